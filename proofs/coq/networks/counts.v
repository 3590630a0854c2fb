(* What is counted of all networks: MACs, multiplies, adds, other operations and activations, each at the shape that enters a layer. *)

From Coq Require Import ZArith Lia List String Bool.
Require Import definitions carriers shapes.
Import ListNotations.
Open Scope Z_scope.

(* ---- Counts: MACs, multiplies, adds, other operations, activations ---------------------------------------------------- *)

Theorem counts_series : forall m f g s, counts m (f >> g) s = counts m f s + counts m g (output_shape f s).
Proof. intros; apply (value_after _ (counting_lawful m)); left; reflexivity. Qed.

Theorem macs_series : forall f g s, counts Macs (f >> g) s = counts Macs f s + counts Macs g (output_shape f s).
Proof. apply counts_series. Qed.

Theorem flops_series : forall f g s, flops (f >> g) s = flops f s + flops g (output_shape f s).
Proof. intros; unfold flops; rewrite !counts_series; ring. Qed.

Theorem activations_series : forall f g s,
  counts Activations (f >> g) s = counts Activations f s + counts Activations g (output_shape f s).
Proof. apply counts_series. Qed.

(* Copies count what is counted of each at the shape that enters it; equal ones multiply. *)
Theorem counts_repeat : forall m f n s, counts m (Repeat n f) s = counts m (Series (repeat f n)) s.
Proof. intros; unfold counts, value; now rewrite walk_written_out by apply counting_lawful. Qed.

Theorem counts_of_copies : forall m f n s,
  counts m (Repeat n f) s = sum_list (map (fun l => counts m f (Nat.iter l (output_shape f) s)) (seq 0 n)).
Proof.
  intros m f n s; induction n as [| n step]; [reflexivity |].
  rewrite seq_S, map_app, sum_list_app, <- step; cbn [map plus Nat.add].
  replace (S n) with (n + 1)%nat by lia.
  unfold counts at 1; rewrite value_copies_add by apply counting_lawful.
  destruct (output_shape_repeat f n s) as [_ iterated]; rewrite iterated.
  unfold counts, sum_list, value; rewrite walk_one_copy by apply counting_lawful; cbn [fold_right then_ counting]; ring.
Qed.

Theorem counts_of_equal_copies : forall m f n s, output_shape f s = s -> counts m (Repeat n f) s = Z.of_nat n * counts m f s.
Proof.
  intros m f n s kept; induction n as [| n step]; [reflexivity |].
  unfold counts in *; rewrite value_more, step by (assumption || apply counting_lawful).
  rewrite Nat2Z.inj_succ; cbn [then_ counting]; ring.
Qed.

Theorem macs_repeat : forall f n s, counts Macs (Repeat n f) s = counts Macs (Series (repeat f n)) s
  /\ (output_shape f s = s -> counts Macs (Repeat n f) s = Z.of_nat n * counts Macs f s).
Proof. split; [apply counts_repeat | apply counts_of_equal_copies]. Qed.

Theorem flops_repeat : forall f n s, flops (Repeat n f) s = flops (Series (repeat f n)) s
  /\ (output_shape f s = s -> flops (Repeat n f) s = Z.of_nat n * flops f s).
Proof.
  intros f n s; unfold flops; split; [now rewrite !counts_repeat |].
  intros kept; rewrite !counts_of_equal_copies by assumption; ring.
Qed.

Theorem activations_repeat : forall f n s, counts Activations (Repeat n f) s = counts Activations (Series (repeat f n)) s
  /\ (output_shape f s = s -> counts Activations (Repeat n f) s = Z.of_nat n * counts Activations f s).
Proof. split; [apply counts_repeat | apply counts_of_equal_copies]. Qed.

(* Side by side. *)
Lemma counts_join : forall m how fs s, counts m (Join how fs) s
  = sum_list (map (fun f => counts m f s) fs) + join_count m how (map (fun f => (output_shape f s, counts m f s)) fs).
Proof. intros; unfold counts at 1; rewrite value_join; cbn [of_join counting]; now rewrite map_map. Qed.

(* What joining costs nothing for is the sum over the branches, those within included. *)
Definition free (m : count) (how : join) : Prop := forall branches, join_count m how branches = 0.
Lemma free_added : forall m, m = Macs \/ m = Others \/ m = Multiplies -> free m Added.
Proof. intros m [-> | [-> | ->]] branches; reflexivity. Qed.
Lemma free_stacked : forall m axis, free m (Stacked axis).
Proof. intros m axis branches; reflexivity. Qed.

Lemma counts_branches : forall m how f s, free m how -> sum_list (map (fun g => counts m g s) (branches_of how f)) = counts m f s.
Proof.
  intros m how f s costless; apply (of_branches (fun fs f => sum_list (map (fun g => counts m g s) fs) = counts m f s)).
  - intros fs; rewrite counts_join, costless; ring.
  - intros alone; unfold sum_list; cbn [map fold_right]; ring.
Qed.

Theorem counts_joint : forall m how f g s, free m how -> counts m (joint how f g) s = counts m f s + counts m g s.
Proof.
  intros m how f g s costless; unfold joint.
  rewrite counts_join, costless, map_app, sum_list_app, !counts_branches by assumption; ring.
Qed.

Theorem macs_add : forall f g s, counts Macs (plus f g) s = counts Macs f s + counts Macs g s.
Proof. intros; apply counts_joint, free_added; auto. Qed.

Theorem macs_concat : forall axis f g s, counts Macs (beside axis f g) s = counts Macs f s + counts Macs g s.
Proof. intros; apply counts_joint, free_stacked. Qed.

Theorem flops_concat : forall axis f g s, flops (beside axis f g) s = flops f s + flops g s.
Proof. intros; unfold flops; rewrite !counts_joint by apply free_stacked; ring. Qed.

Theorem activations_concat : forall axis f g s,
  counts Activations (beside axis f g) s = counts Activations f s + counts Activations g s.
Proof. intros; apply counts_joint, free_stacked. Qed.

(* A sum costs one add an element less than it has branches, and makes its elements anew: of two that are no sums themselves. *)
Theorem flops_add : forall f g s, branches_of Added f = [f] -> branches_of Added g = [g] ->
  flops (plus f g) s = flops f s + flops g s + elements (output_shape (plus f g) s).
Proof.
  intros f g s one two; unfold flops; rewrite !(counts_joint Multiplies), !(counts_joint Others) by (apply free_added; auto).
  rewrite output_of_joint by exact I; unfold joint; rewrite counts_join, one, two; unfold join_count, pairs_less, sum_list.
  cbn [map app fst fold_right List.length pred joined fold_left]; lia.
Qed.

Theorem activations_add : forall f g s, branches_of Added f = [f] -> branches_of Added g = [g] ->
  counts Activations (plus f g) s = counts Activations f s + counts Activations g s + elements (output_shape (plus f g) s).
Proof.
  intros f g s one two; rewrite output_of_joint by exact I; unfold joint; rewrite counts_join, one, two; unfold join_count, sum_list.
  cbn [map app fst fold_right joined fold_left]; lia.
Qed.
