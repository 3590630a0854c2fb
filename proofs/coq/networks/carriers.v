(* Laws of all carriers whose values form a monoid, for all networks: what is carried leaves the shapes alone; the value of networks one
   after the other is that of the first and, at the shape that it makes, that of the second; copies add and multiply. *)

From Coq Require Import ZArith Lia List String Bool.
Require Import definitions.
Import ListNotations.
Open Scope Z_scope.

(* ---- Laws of all carriers -------------------------------------------------------------------------------------------- *)

(* Values that follow one another form a monoid. *)
Record lawful {T} (c : carrier T) : Prop := Lawful {
  left_unit : forall v, then_ c (nothing c) v = v;
  right_unit : forall v, then_ c v (nothing c) = v;
  associative : forall u v w, then_ c u (then_ c v w) = then_ c (then_ c u v) w }.

Lemma counting_lawful : forall m, lawful (counting m).
Proof. intros m; split; intros; cbn; ring. Qed.
Lemma weighing_lawful : lawful weighing.
Proof.
  split; cbn; unfold both; cbn; intros; rewrite ?app_nil_r, ?app_assoc; [now destruct v | now destruct v | reflexivity].
Qed.
Lemma deep_lawful : forall m, lawful (deep m).
Proof. intros m; split; intros; cbn; lia. Qed.
Lemma through_associative : forall f g h, through f (through g h) = through (through f g) h.
Proof. intros [a b c] [d e f] [g h i]; unfold through; cbn [kernel jump start]; f_equal; ring. Qed.
Lemma seeing_lawful : forall axis, lawful (seeing axis).
Proof.
  intros axis; split; cbn; unfold lifted, point.
  - intros [[k j s] |]; [f_equal; unfold through; cbn [kernel jump start]; f_equal; ring | reflexivity].
  - intros [[k j s] |]; [f_equal; unfold through; cbn [kernel jump start]; f_equal; ring | reflexivity].
  - intros [u |] [v |] [w |]; try reflexivity. now rewrite through_associative.
Qed.

Lemma fst_onward : forall T (c : carrier T) net so_far, fst (onward c net so_far) = fst (net (fst so_far)).
Proof. intros; unfold onward; now destruct (net (fst so_far)). Qed.

(* What is carried does not change the shapes. *)
Theorem shapes_carried : forall T (c : carrier T) net s, fst (walk c net s) = output_shape net s.
Proof.
  intros T c net; unfold output_shape; induction net as [l | | fs each | how fs each | n f each | names f each]
    using network_induction; intros s; cbn [walk fst].
  - reflexivity.
  - reflexivity.
  - enough (general : forall so_far so_far', fst so_far = fst so_far' ->
      fst (fold_left (fun so_far f => onward c (walk c f) so_far) fs so_far)
      = fst (fold_left (fun so_far f => onward no_value (walk no_value f) so_far) fs so_far'))
      by (apply general; reflexivity).
    induction each as [| f fs same _ step]; intros so_far so_far' first; cbn [fold_left]; [assumption |].
    apply step; rewrite !fst_onward, first; apply same.
  - f_equal; rewrite !map_map; apply map_ext_in; intros f among_them.
    rewrite Forall_forall in each; now apply each.
  - induction n as [| n step]; [reflexivity |].
    cbn [Nat.iter nat_rect]; rewrite !fst_onward; unfold Nat.iter in step; rewrite step; apply each.
  - specialize (each s); destruct (walk c f s), (walk no_value f s); exact each.
Qed.

Lemma walk_pair : forall T (c : carrier T) net s, walk c net s = (output_shape net s, value c net s).
Proof. intros; rewrite <- (shapes_carried T c); unfold value; now destruct (walk c net s). Qed.

Lemma onward_pair : forall T (c : carrier T) net s v,
  onward c (walk c net) (s, v) = (output_shape net s, then_ c v (value c net s)).
Proof. intros; unfold onward; cbn [fst snd]; now rewrite walk_pair. Qed.

Section Lawful.
Context {T : Type} (c : carrier T) (law : lawful c).

(* A series after what has come so far. *)
Lemma series_onward : forall fs s v,
  fold_left (fun so_far f => onward c (walk c f) so_far) fs (s, v)
  = (output_shape (Series fs) s, then_ c v (value c (Series fs) s)).
Proof.
  intros fs; enough (general : forall s v u,
    fold_left (fun so_far f => onward c (walk c f) so_far) fs (s, then_ c u v)
    = (output_shape (Series fs) s, then_ c u (snd (fold_left (fun so_far f => onward c (walk c f) so_far) fs (s, v))))).
  { intros s v; rewrite <- (right_unit c law v) at 1; apply general. }
  induction fs as [| f fs step]; intros s v u; cbn [fold_left].
  - reflexivity.
  - rewrite !onward_pair, <- (associative c law), step.
    f_equal; unfold output_shape at 3; cbn [walk fold_left].
    rewrite onward_pair, <- (shapes_carried unit no_value (Series fs)).
    cbn [walk]; reflexivity.
Qed.

Lemma walk_series_app : forall fs gs s,
  walk c (Series (fs ++ gs)) s
  = (output_shape (Series gs) (output_shape (Series fs) s),
     then_ c (value c (Series fs) s) (value c (Series gs) (output_shape (Series fs) s))).
Proof.
  intros; cbn [walk]; rewrite fold_left_app, series_onward, (left_unit c law), series_onward; reflexivity.
Qed.

Lemma walk_one : forall f s, walk c (Series [f]) s = walk c f s.
Proof. intros; cbn [walk fold_left]; rewrite onward_pair, (left_unit c law); symmetry; apply walk_pair. Qed.

(* An identity has the shape of what enters it; where it is worth nothing, it may disappear. *)
Definition stays (f : network) : Prop := parts f <> [].
Definition silent : Prop := of_identity c = nothing c.

Lemma walk_in_series : forall fs s, silent \/ fs <> [] -> walk c (in_series fs) s = walk c (Series fs) s.
Proof.
  intros [| f [| g fs]] s [quiet | some]; try (now symmetry; apply walk_one); try reflexivity; try easy.
  cbn; unfold silent in quiet; now rewrite quiet.
Qed.

Lemma walk_parts : forall f s, silent \/ stays f -> walk c (Series (parts f)) s = walk c f s.
Proof.
  intros [l | | fs | how fs | n f | names f] s here; cbn [parts]; try apply walk_one; try reflexivity.
  destruct here as [quiet | some]; [cbn; unfold silent in quiet; now rewrite quiet | now destruct some].
Qed.

Theorem walk_after : forall f g s, silent \/ (stays f /\ stays g) ->
  walk c (f >> g) s = (output_shape g (output_shape f s), then_ c (value c f s) (value c g (output_shape f s))).
Proof.
  intros f g s here; unfold after.
  assert (first : silent \/ stays f) by tauto.
  assert (second : silent \/ stays g) by tauto.
  rewrite walk_in_series.
  - rewrite walk_series_app.
    pose proof (walk_parts f s first) as one; rewrite !walk_pair in one; injection one as shape_one value_one.
    rewrite shape_one, value_one.
    pose proof (walk_parts g (output_shape f s) second) as two; rewrite !walk_pair in two; injection two as shape_two value_two.
    now rewrite shape_two, value_two.
  - destruct here as [quiet | [some _]]; [now left | right].
    unfold stays in some; destruct (parts f); [easy | discriminate].
Qed.

Theorem value_after : forall f g s, silent \/ (stays f /\ stays g) ->
  value c (f >> g) s = then_ c (value c f s) (value c g (output_shape f s)).
Proof. intros; unfold value at 1; now rewrite walk_after. Qed.

(* Copies. *)
Lemma onward_later : forall f s u v,
  onward c (walk c f) (s, then_ c u v) = (fst (onward c (walk c f) (s, v)), then_ c u (snd (onward c (walk c f) (s, v)))).
Proof. intros; rewrite !onward_pair; cbn [fst snd]; now rewrite (associative c law). Qed.

Lemma copies_onward : forall f n s v,
  Nat.iter n (onward c (walk c f)) (s, v) = (output_shape (Repeat n f) s, then_ c v (value c (Repeat n f) s)).
Proof.
  intros f n s v; rewrite <- (shapes_carried T c); unfold value; cbn [walk].
  induction n as [| n step]; cbn [Nat.iter nat_rect]; [cbn [fst snd]; now rewrite (right_unit c law) |].
  fold (Nat.iter n (onward c (walk c f)) (s, v)); fold (Nat.iter n (onward c (walk c f)) (s, nothing c)).
  rewrite step; destruct (Nat.iter n (onward c (walk c f)) (s, nothing c)); apply onward_later.
Qed.

Theorem walk_copies_add : forall f m n s,
  walk c (Repeat (m + n) f) s
  = (output_shape (Repeat n f) (output_shape (Repeat m f) s),
     then_ c (value c (Repeat m f) s) (value c (Repeat n f) (output_shape (Repeat m f) s))).
Proof.
  intros; cbn [walk]; rewrite Nat.add_comm.
  unfold Nat.iter; rewrite nat_rect_plus.
  fold (Nat.iter m (onward c (walk c f)) (s, nothing c)).
  rewrite (copies_onward f m), (left_unit c law); apply copies_onward.
Qed.

Theorem value_copies_add : forall f m n s,
  value c (Repeat (m + n) f) s = then_ c (value c (Repeat m f) s) (value c (Repeat n f) (output_shape (Repeat m f) s)).
Proof. intros; unfold value at 1; now rewrite walk_copies_add. Qed.

Theorem walk_one_copy : forall f s, walk c (Repeat 1 f) s = walk c f s.
Proof. intros; cbn; rewrite onward_pair, (left_unit c law); symmetry; apply walk_pair. Qed.

Theorem walk_no_copy : forall f s, walk c (Repeat 0 f) s = (s, nothing c).
Proof. reflexivity. Qed.

Theorem walk_copies_multiply : forall f m n s, walk c (Repeat n (Repeat m f)) s = walk c (Repeat (m * n) f) s.
Proof.
  intros f m n; induction n as [| n step]; intros s; [now rewrite Nat.mul_0_r |].
  replace (m * S n)%nat with (m * n + m)%nat by lia.
  replace (S n) with (n + 1)%nat by lia.
  rewrite !walk_copies_add.
  specialize (step s); rewrite !walk_pair in step; injection step as shapes values.
  rewrite shapes, values.
  pose proof (walk_one_copy (Repeat m f) (output_shape (Repeat (m * n) f) s)) as one.
  rewrite !walk_pair in one; injection one as shape_one value_one.
  now rewrite shape_one, value_one.
Qed.

(* Copies are what they are when they are written out, one after the other. *)
Theorem walk_written_out : forall f n s, walk c (Series (repeat f n)) s = walk c (Repeat n f) s.
Proof.
  intros f n; induction n as [| n step]; intros s; [reflexivity |].
  replace (S n) with (n + 1)%nat by lia; rewrite walk_copies_add, repeat_app, walk_series_app; cbn [repeat].
  specialize (step s); rewrite !walk_pair in step; injection step as shapes values.
  rewrite shapes, values.
  pose proof (walk_one f (output_shape (Repeat n f) s)) as one.
  pose proof (walk_one_copy f (output_shape (Repeat n f) s)) as copy.
  rewrite !walk_pair in one, copy; injection one as shape_one value_one; injection copy as shape_copy value_copy.
  now rewrite shape_one, value_one, shape_copy, value_copy.
Qed.

(* Copies of what keeps a shape keep it. *)
Lemma output_of_copies : forall f s, output_shape f s = s -> forall n, output_shape (Repeat n f) s = s.
Proof.
  intros f s kept n; unfold output_shape; cbn [walk]; induction n as [| n step]; [reflexivity |].
  cbn [Nat.iter nat_rect]; rewrite fst_onward; unfold Nat.iter in step; rewrite step; exact kept.
Qed.

Lemma value_more : forall f n s, output_shape f s = s ->
  value c (Repeat (S n) f) s = then_ c (value c (Repeat n f) s) (value c f s).
Proof.
  intros f n s kept; replace (S n) with (n + 1)%nat by lia.
  rewrite value_copies_add, output_of_copies by assumption.
  f_equal; unfold value; now rewrite walk_one_copy.
Qed.

End Lawful.
