(* The depth of all networks, in learned maps or in layers: (max, +). *)

From Coq Require Import ZArith Lia List String Bool.
Require Import definitions carriers shapes.
Import ListNotations.
Open Scope Z_scope.

(* ---- Depth ------------------------------------------------------------------------------------------------------------ *)

(* Identities disappear in series, which counts where layers are counted. *)
Theorem depth_series : forall m f g s, m = Weighted \/ (stays f /\ stays g) ->
  depth m (f >> g) s = (depth m f s + depth m g (output_shape f s))%nat.
Proof. intros m f g s here; apply (value_after _ (deep_lawful m)); destruct here as [-> |]; [left; reflexivity | auto]. Qed.

Theorem depth_repeat : forall m f n s, depth m (Repeat n f) s = depth m (Series (repeat f n)) s
  /\ (output_shape f s = s -> depth m (Repeat n f) s = (n * depth m f s)%nat).
Proof.
  intros m f n s; split; [unfold depth, value; now rewrite walk_written_out by apply deep_lawful |].
  intros kept; induction n as [| n step]; [reflexivity |].
  unfold depth in *; rewrite value_more, step by (assumption || apply deep_lawful); cbn [then_ deep]; lia.
Qed.

Lemma depth_join : forall m how fs s, depth m (Join how fs) s = deepest (map (fun f => depth m f s) fs).
Proof. intros; unfold depth; rewrite value_join; cbn [of_join deep]; now rewrite map_map. Qed.

Lemma deepest_app : forall first second, deepest (first ++ second) = Nat.max (deepest first) (deepest second).
Proof. unfold deepest; induction first as [| n first step]; intros second; cbn [app fold_right]; [reflexivity | rewrite step; lia]. Qed.

Theorem depth_joint : forall m how f g s, depth m (joint how f g) s = Nat.max (depth m f s) (depth m g s).
Proof.
  intros m how f g s; unfold joint; rewrite depth_join, map_app, deepest_app.
  assert (own : forall h, deepest (map (fun g => depth m g s) (branches_of how h)) = depth m h s).
  { intros h; apply (of_branches (fun fs f => deepest (map (fun g => depth m g s) fs) = depth m f s)).
    - intros fs; symmetry; apply depth_join.
    - intros alone; unfold deepest; cbn [map fold_right]; lia. }
  now rewrite !own.
Qed.

Theorem depth_add_is_max : forall m f g s, depth m (plus f g) s = Nat.max (depth m f s) (depth m g s).
Proof. intros; apply depth_joint. Qed.
