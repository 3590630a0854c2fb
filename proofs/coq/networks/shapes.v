(* Networks one after the other form a category, as objects; the shapes that they make, and those of branches side by side. *)

From Coq Require Import ZArith Lia List String Bool.
Require Import definitions carriers.
Import ListNotations.
Open Scope Z_scope.

(* ---- Networks one after the other form a category, with powers: as objects, and for every carrier -------------------- *)

Lemma parts_in_series : forall fs, Forall plain fs -> parts (in_series fs) = fs.
Proof.
  intros [| f [| g fs]] plain_ones; try reflexivity.
  inversion plain_ones; subst; assumption.
Qed.

Theorem series_flat : forall f g, flat f -> flat g -> flat (f >> g).
Proof.
  intros f g [f_parts f_whole] [g_parts g_whole]; unfold flat, after.
  assert (all : Forall plain (parts f ++ parts g)) by (apply Forall_app; auto).
  rewrite parts_in_series by assumption; auto.
Qed.

Theorem series_associative : forall f g h, flat f -> flat g -> flat h -> (f >> g) >> h = f >> (g >> h).
Proof.
  intros f g h [f_parts _] [g_parts _] [h_parts _]; unfold after.
  rewrite !parts_in_series by (apply Forall_app; auto).
  now rewrite app_assoc.
Qed.

Theorem id_series : forall f, flat f -> Identity >> f = f.
Proof. intros f [_ whole]; exact whole. Qed.

Theorem series_id : forall f, flat f -> f >> Identity = f.
Proof. intros f [_ whole]; unfold after; cbn [parts]; now rewrite app_nil_r. Qed.

(* ---- Shapes ----------------------------------------------------------------------------------------------------------- *)

Lemma no_value_lawful : lawful no_value.
Proof. split; intros; now repeat match goal with v : unit |- _ => destruct v end. Qed.

Theorem output_shape_series : forall f g s, output_shape (f >> g) s = output_shape g (output_shape f s).
Proof.
  intros; unfold output_shape at 1; rewrite walk_after; [reflexivity | apply no_value_lawful | left; reflexivity].
Qed.

Theorem output_shape_repeat : forall f n s,
  output_shape (Repeat n f) s = output_shape (Series (repeat f n)) s /\ output_shape (Repeat n f) s = Nat.iter n (output_shape f) s.
Proof.
  intros f n s; split.
  - unfold output_shape; now rewrite walk_written_out by apply no_value_lawful.
  - unfold output_shape; cbn [walk]; induction n as [| n step]; [reflexivity |].
    cbn [Nat.iter nat_rect]; rewrite fst_onward; unfold Nat.iter in step; now rewrite step.
Qed.

Lemma output_shape_join : forall how fs s, output_shape (Join how fs) s = joined how (map (fun f => output_shape f s) fs).
Proof. intros; unfold output_shape; cbn [walk fst]; now rewrite map_map. Qed.

Lemma value_join : forall T (c : carrier T) how fs s,
  value c (Join how fs) s = of_join c how (map (fun f => (output_shape f s, value c f s)) fs).
Proof.
  intros; unfold value at 1; cbn [walk snd]; f_equal; apply map_ext; intros; apply walk_pair.
Qed.

Lemma wider_associative : forall k m n, wider k (wider m n) = wider (wider k m) n.
Proof. intros k m n; unfold wider; destruct (k =? 1) eqn:one; rewrite ?one; reflexivity. Qed.

Lemma stretched_associative : forall s t u, stretched s (stretched t u) = stretched (stretched s t) u.
Proof.
  induction s as [| k s step]; intros [| m t] [| n u]; try reflexivity.
  cbn [stretched]; now rewrite wider_associative, step.
Qed.

Lemma stretched_same : forall s, stretched s s = s.
Proof. induction s as [| n s step]; [reflexivity |]; cbn; unfold wider; rewrite step; now destruct (n =? 1). Qed.

Lemma stretched_nothing : forall s, stretched s [] = s.
Proof. now intros []. Qed.

Lemma nothing_stretched : forall s, stretched [] s = s.
Proof. now intros []. Qed.

Lemma stretched_fold : forall shapes s t, fold_left stretched shapes (stretched s t) = stretched s (fold_left stretched shapes t).
Proof. induction shapes as [| u shapes step]; intros s t; [reflexivity |]; cbn; now rewrite <- stretched_associative, step. Qed.

(* Element by element, what is joined is the shapes stretched to each other. *)
Definition elementwise (how : join) : Prop := match how with Stacked _ => False | _ => True end.
Lemma joined_app : forall how first second, elementwise how ->
  joined how (first ++ second) = stretched (joined how first) (joined how second).
Proof.
  intros how [| s first] [| t second] each; destruct how; try easy; cbn [joined app];
    rewrite ?app_nil_r, ?stretched_nothing, ?nothing_stretched; try reflexivity;
    rewrite fold_left_app; cbn [fold_left]; apply stretched_fold.
Qed.

(* What holds of a join's own branches: of all of a join of that kind, or of the network alone. *)
Lemma alike_same : forall how k, alike how k = true -> k = how.
Proof. intros [| | i] [| | j] yes; cbn in yes; try discriminate; try reflexivity; apply Nat.eqb_eq in yes; now subst. Qed.

Lemma of_branches : forall (P : list network -> network -> Prop) how f,
  (forall fs, P fs (Join how fs)) -> (forall f, P [f] f) -> P (branches_of how f) f.
Proof.
  intros P how f joins alone; destruct f as [| | | k fs | |]; try apply alone; cbn [branches_of].
  destruct (alike how k) eqn:kind; [apply alike_same in kind; subst; apply joins | apply alone].
Qed.

Lemma output_of_branches : forall how f s, elementwise how ->
  joined how (map (fun g => output_shape g s) (branches_of how f)) = output_shape f s.
Proof.
  intros how f s each; apply (of_branches (fun fs f => joined how (map (fun g => output_shape g s) fs) = output_shape f s)).
  - intros fs; symmetry; apply output_shape_join.
  - now intros; destruct how.
Qed.

Lemma output_of_joint : forall how f g s, elementwise how ->
  output_shape (joint how f g) s = stretched (output_shape f s) (output_shape g s).
Proof. intros; unfold joint; now rewrite output_shape_join, map_app, joined_app, !output_of_branches. Qed.

Theorem output_shape_add : forall f g s, output_shape g s = output_shape f s -> output_shape (plus f g) s = output_shape f s.
Proof. intros f g s same; now rewrite output_of_joint, same, stretched_same. Qed.

Lemma sum_list_app : forall first second, sum_list (first ++ second) = sum_list first + sum_list second.
Proof. unfold sum_list; induction first as [| n first step]; intros second; cbn [app fold_right]; [ring | rewrite step; ring]. Qed.

Lemma elements_app : forall s t, elements (s ++ t) = elements s * elements t.
Proof. unfold elements; induction s as [| n s step]; intros t; cbn [app fold_right]; [ring | rewrite step; ring]. Qed.

Lemma elements_resized : forall axis n s, elements (resized axis n s) = n * elements (firstn axis s ++ skipn (S axis) s).
Proof. intros; unfold resized; rewrite !elements_app; cbn [elements fold_right]; fold (elements (skipn (S axis) s)); ring. Qed.

Lemma resized_size : forall axis s, (axis < List.length s)%nat -> resized axis (size axis s) s = s.
Proof.
  unfold resized, size; induction axis as [| axis step]; intros [| n s] inside; cbn in *; try lia; [reflexivity |].
  f_equal; apply step; lia.
Qed.

Lemma resized_twice : forall axis m n s, (axis < List.length s)%nat -> resized axis m (resized axis n s) = resized axis m s.
Proof.
  unfold resized; induction axis as [| axis step]; intros m n [| k s] inside; cbn in *; try lia; [reflexivity |].
  f_equal; apply step; lia.
Qed.

Lemma size_resized : forall axis n s, (axis < List.length s)%nat -> size axis (resized axis n s) = n.
Proof.
  unfold resized, size; induction axis as [| axis step]; intros n [| k s] inside; cbn in *; try lia.
  apply step; lia.
Qed.

Lemma length_resized : forall axis n s, (axis < List.length s)%nat -> List.length (resized axis n s) = List.length s.
Proof.
  unfold resized; induction axis as [| axis step]; intros n [| k s] inside; cbn in *; try lia.
  now rewrite step by lia.
Qed.

(* The sizes along an axis add, for branches within a concatenation as well. *)
Lemma joined_stacked : forall axis shapes, shapes <> [] ->
  joined (Stacked axis) shapes = resized axis (sum_list (map (size axis) shapes)) (hd [] shapes).
Proof. now intros axis []. Qed.

(* Every branch has the axis, those of a concatenation within included. *)
Definition has_axis (axis : nat) (s : shape) (f : network) : Prop :=
  branches_of (Stacked axis) f <> [] /\ Forall (fun g => (axis < List.length (output_shape g s))%nat) (branches_of (Stacked axis) f).

Lemma stacked_parts : forall axis f s, has_axis axis s f ->
  let shapes := map (fun g => output_shape g s) (branches_of (Stacked axis) f) in
  shapes <> [] /\ (axis < List.length (output_shape f s))%nat /\ sum_list (map (size axis) shapes) = size axis (output_shape f s)
  /\ (forall n, resized axis n (hd [] shapes) = resized axis n (output_shape f s)).
Proof.
  intros axis f s [some inside].
  assert (alone : branches_of (Stacked axis) f = [f] -> let shapes := map (fun g => output_shape g s) (branches_of (Stacked axis) f) in
    shapes <> [] /\ (axis < List.length (output_shape f s))%nat /\ sum_list (map (size axis) shapes) = size axis (output_shape f s)
    /\ (forall n, resized axis n (hd [] shapes) = resized axis n (output_shape f s))).
  { intros one; rewrite one in *; inversion inside; subst; cbn [map hd]; unfold sum_list; cbn [map fold_right]; repeat split;
    [discriminate | assumption | ring]. }
  destruct f as [| | | k fs |  |]; try (apply alone; reflexivity).
  cbn [branches_of] in *; destruct (alike (Stacked axis) k) eqn:kind; [| apply alone; reflexivity].
  apply alike_same in kind; subst; destruct fs as [| f fs]; [easy |].
  inversion inside as [| ? ? within _]; subst.
  rewrite output_shape_join; cbn [map]; rewrite joined_stacked by discriminate; cbn [hd].
  repeat split.
  - discriminate.
  - now rewrite length_resized.
  - now rewrite size_resized.
  - intros n; now rewrite resized_twice.
Qed.

Lemma output_of_beside : forall axis f g s, has_axis axis s f -> has_axis axis s g ->
  output_shape (beside axis f g) s = resized axis (size axis (output_shape f s) + size axis (output_shape g s)) (output_shape f s).
Proof.
  intros axis f g s f_axis g_axis; unfold joint.
  destruct (stacked_parts axis f s f_axis) as [some [_ [sum_f same]]].
  destruct (stacked_parts axis g s g_axis) as [_ [_ [sum_g _]]].
  rewrite output_shape_join, map_app, joined_stacked, map_app, sum_list_app, sum_f, sum_g.
  - destruct (map (fun h => output_shape h s) (branches_of (Stacked axis) f)); [easy |]; cbn [app hd] in *; apply same.
  - destruct (map (fun h => output_shape h s) (branches_of (Stacked axis) f)); [easy | discriminate].
Qed.

(* Branches that agree everywhere but along an axis make, side by side, as many elements as they make together. *)
Theorem output_shape_concat : forall axis f g s, has_axis axis s f -> has_axis axis s g ->
  (forall n, resized axis n (output_shape g s) = resized axis n (output_shape f s)) ->
  elements (output_shape (beside axis f g) s) = elements (output_shape f s) + elements (output_shape g s).
Proof.
  intros axis f g s f_axis g_axis alike.
  rewrite output_of_beside, elements_resized by assumption.
  destruct (stacked_parts axis f s f_axis) as [_ [inside_f _]].
  destruct (stacked_parts axis g s g_axis) as [_ [inside_g _]].
  pose proof (resized_size axis (output_shape f s) inside_f) as whole_f.
  pose proof (resized_size axis (output_shape g s) inside_g) as whole_g.
  rewrite alike in whole_g.
  apply (f_equal elements) in whole_f, whole_g; rewrite elements_resized in whole_f, whole_g.
  rewrite <- whole_f, <- whole_g; ring.
Qed.
