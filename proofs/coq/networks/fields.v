(* The receptive fields of all networks, along one axis: windows of windows form an affine monoid, branches see the hull of theirs. *)

From Coq Require Import ZArith Lia List String Bool.
Require Import definitions carriers shapes.
Import ListNotations.
Open Scope Z_scope.

(* ---- Receptive fields ------------------------------------------------------------------------------------------------- *)

Theorem receptive_field_series : forall axis f g s, receptive_field axis (f >> g) s
  = lifted through (receptive_field axis f s) (receptive_field axis g (output_shape f s)).
Proof. intros; apply (value_after _ (seeing_lawful axis)); left; reflexivity. Qed.

Definition within (f g : field) : Prop := kernel f <= kernel g /\ start g <= start f /\ furthest f <= furthest g.

Lemma within_refl : forall f, within f f.
Proof. intros f; unfold within; lia. Qed.

Lemma hull_alike_within : forall fields v h, fold_left hull_alike fields v = Some h ->
  (exists f, v = Some f /\ within f h) /\ Forall (fun w => exists g, w = Some g /\ within g h) fields.
Proof.
  induction fields as [| w fields step]; intros v h whole; cbn [fold_left] in whole.
  - split; [exists h; split; [assumption | apply within_refl] | constructor].
  - destruct (step _ _ whole) as [[f [here inside]] rest].
    destruct v as [a |], w as [b |]; cbn in here; try discriminate.
    destruct (jump a =? jump b); [| discriminate]; injection here as <-.
    unfold within, hull, furthest in inside; cbn [kernel start] in inside; unfold within, furthest in *.
    split; [exists a; split; [reflexivity | lia] |].
    constructor; [exists b; split; [reflexivity | lia] | assumption].
Qed.

Lemma receptive_field_join : forall axis how fs s, receptive_field axis (Join how fs) s
  = join_field axis how (map (fun f => (output_shape f s, receptive_field axis f s)) fs).
Proof. intros; unfold receptive_field at 1; now rewrite value_join. Qed.

(* Whatever joins branches sees at least what each of them sees. *)
Theorem receptive_field_branches : forall axis how fs s h, receptive_field axis (Join how fs) s = Some h ->
  Forall (fun f => exists own, receptive_field axis f s = Some own /\ within own h) fs.
Proof.
  intros axis how fs s h whole; rewrite receptive_field_join in whole; destruct fs as [| f fs]; [constructor |].
  cbn [map join_field] in whole; destruct (_ && _); [| discriminate].
  destruct (hull_alike_within _ _ _ whole) as [first rest]; constructor; [exact first |].
  rewrite map_map in rest; cbn [snd] in rest; rewrite Forall_map in rest; exact rest.
Qed.

Theorem receptive_field_add_at_least_branches : forall axis f g s h a b,
  branches_of Added f = [f] -> branches_of Added g = [g] -> receptive_field axis (plus f g) s = Some h ->
  receptive_field axis f s = Some a -> receptive_field axis g s = Some b ->
  Z.max (kernel a) (kernel b) <= kernel h /\ within a h /\ within b h.
Proof.
  intros axis f g s h a b one two whole first second; unfold joint in whole; rewrite one, two in whole.
  apply receptive_field_branches in whole; cbn [app] in whole.
  inversion whole as [| ? ? [a' [here_a inside_a]] rest]; subst.
  inversion rest as [| ? ? [b' [here_b inside_b]] _]; subst.
  rewrite first in here_a; rewrite second in here_b; injection here_a as <-; injection here_b as <-.
  unfold within in *; lia.
Qed.

(* Copies: jumps are powers, sizes and starts geometric sums. *)
Definition power (f : field) (n : nat) : field := Nat.iter n (fun so_far => through so_far f) point.

Lemma power_closed : forall f n, jump (power f n) = jump f ^ Z.of_nat n
  /\ (jump f - 1) * (kernel (power f n) - 1) = (kernel f - 1) * (jump f ^ Z.of_nat n - 1)
  /\ (jump f - 1) * start (power f n) = start f * (jump f ^ Z.of_nat n - 1).
Proof.
  intros f n; induction n as [| n [jumps [kernels starts]]]; [cbn; repeat split; ring |].
  unfold power in *; cbn [Nat.iter nat_rect]; fold (Nat.iter n (fun so_far => through so_far f) point).
  set (before := Nat.iter n (fun so_far => through so_far f) point) in *.
  unfold through; cbn [jump kernel start].
  rewrite Nat2Z.inj_succ, Z.pow_succ_r by lia; rewrite jumps in *; set (p := jump f ^ Z.of_nat n) in *.
  repeat split.
  - ring.
  - transitivity ((jump f - 1) * (kernel before - 1) + (jump f - 1) * (kernel f - 1) * p); [ring | rewrite kernels; ring].
  - transitivity ((jump f - 1) * start before + (jump f - 1) * start f * p); [ring | rewrite starts; ring].
Qed.

Theorem receptive_field_repeat : forall axis f n s,
  receptive_field axis (Repeat n f) s = receptive_field axis (Series (repeat f n)) s
  /\ (forall own, output_shape f s = s -> receptive_field axis f s = Some own ->
      receptive_field axis (Repeat n f) s = Some (power own n)).
Proof.
  intros axis f n s; split; [unfold receptive_field, value; now rewrite walk_written_out by apply seeing_lawful |].
  intros own kept seen; induction n as [| n step]; [reflexivity |].
  unfold receptive_field in *; rewrite value_more, step, seen by (assumption || apply seeing_lawful); reflexivity.
Qed.
