(* The laws that the engine rests on, for integers of any size and for any number of layers.

   A layer maps the size x of a spatial axis to floor((x + a) / s); such maps compose to one of their kind, so that a whole
   chain of strided layers has one floor. Receptive fields compose in the same manner. The size that a convolution's output
   has is the number of places where its kernel fits. *)

From Coq Require Import ZArith Lia List.
Import ListNotations.
Open Scope Z_scope.

(* ---- The floor-affine monoid -------------------------------------------------------------------------------------- *)

Record map := Map { shift : Z; stride : Z }.

Definition act (f : map) (x : Z) : Z := (x + shift f) / stride f.

(* f first, then g. *)
Definition compose (f g : map) : map := Map (shift f + shift g * stride f) (stride f * stride g).

Definition id : map := Map 0 1.

Definition admitted (f : map) : Prop := 0 < stride f.

Theorem floor_affine_assoc : forall f g h, compose (compose f g) h = compose f (compose g h).
Proof. intros [a s] [b t] [c u]; unfold compose; cbn [shift stride]; f_equal; ring. Qed.

Theorem floor_affine_left_id : forall f, compose id f = f.
Proof. intros [a s]; unfold compose, id; cbn [shift stride]; f_equal; ring. Qed.

Theorem floor_affine_right_id : forall f, compose f id = f.
Proof. intros [a s]; unfold compose, id; cbn [shift stride]; f_equal; ring. Qed.

Theorem floor_affine_closed : forall f g, admitted f -> admitted g -> admitted (compose f g).
Proof. intros [a s] [b t]; unfold admitted, compose; cbn; nia. Qed.

Theorem floor_affine_id_acts : forall x, act id x = x.
Proof. intros x; unfold act, id; cbn -[Z.div]; rewrite Z.add_0_r; apply Z.div_1_r. Qed.

(* Two strided layers in series have one floor: the monoid acts. *)
Theorem floor_affine_acts : forall f g x, admitted f -> admitted g -> act (compose f g) x = act g (act f x).
Proof.
  intros [a s] [b t] x; unfold admitted, act, compose; cbn -[Z.div]; intros s_pos t_pos.
  rewrite <- Z.div_div by lia.
  f_equal.
  replace (x + (a + b * s)) with (x + a + b * s) by ring.
  apply Z.div_add; lia.
Qed.

(* The layers of a chain one after the other, and their composition. *)
Definition through (chain : list map) (x : Z) : Z := fold_left (fun y f => act f y) chain x.

Fixpoint composed (chain : list map) : map :=
  match chain with
  | [] => id
  | f :: rest => compose f (composed rest)
  end.

Lemma composed_admitted : forall chain, Forall admitted chain -> admitted (composed chain).
Proof.
  induction chain as [| f rest step]; cbn; intros all.
  - unfold admitted, id; cbn; lia.
  - inversion all; subst. apply floor_affine_closed; auto.
Qed.

(* Any number of strided layers have one floor. *)
Theorem floor_affine_chain : forall chain x, Forall admitted chain -> through chain x = act (composed chain) x.
Proof.
  induction chain as [| f rest step]; cbn; intros x all.
  - symmetry; apply floor_affine_id_acts.
  - inversion all as [| ? ? f_good rest_good]; subst.
    rewrite floor_affine_acts by auto using composed_admitted.
    unfold through in step; apply step; assumption.
Qed.

Theorem composed_app : forall first second, composed (first ++ second) = compose (composed first) (composed second).
Proof.
  induction first as [| f rest step]; cbn; intros second.
  - symmetry; apply floor_affine_left_id.
  - rewrite step; symmetry; apply floor_affine_assoc.
Qed.

(* ---- Receptive fields ---------------------------------------------------------------------------------------------- *)

Record field := Field { size : Z; jump : Z }.

Definition sees (f g : field) : field := Field (size f + (size g - 1) * jump f) (jump f * jump g).

Definition point : field := Field 1 1.

Theorem receptive_field_assoc : forall f g h, sees (sees f g) h = sees f (sees g h).
Proof. intros [r j] [q k] [p l]; unfold sees; cbn [size jump]; f_equal; ring. Qed.

Theorem receptive_field_left_id : forall f, sees point f = f.
Proof. intros [r j]; unfold sees, point; cbn [size jump]; f_equal; ring. Qed.

Theorem receptive_field_right_id : forall f, sees f point = f.
Proof. intros [r j]; unfold sees, point; cbn [size jump]; f_equal; ring. Qed.

Definition seen (chain : list field) : field := fold_left sees chain point.

(* The published recursion: 1 + sum over the layers of (k - 1) times the product of the strides before. *)
Fixpoint recursion (jump_before : Z) (chain : list field) : Z :=
  match chain with
  | [] => 0
  | f :: rest => (size f - 1) * jump_before + recursion (jump_before * jump f) rest
  end.

Lemma seen_from : forall chain start,
  size (fold_left sees chain start) = size start + recursion (jump start) chain
  /\ jump (fold_left sees chain start) = fold_left Z.mul (List.map jump chain) (jump start).
Proof.
  induction chain as [| f rest step]; intros start; cbn.
  - split; [ring | reflexivity].
  - destruct (step (sees start f)) as [sizes jumps].
    rewrite sizes, jumps; unfold sees; cbn; split; [ring | reflexivity].
Qed.

Theorem receptive_field_chain : forall chain, size (seen chain) = 1 + recursion 1 chain.
Proof. intros chain; unfold seen; destruct (seen_from chain point) as [sizes _]; exact sizes. Qed.

Theorem receptive_field_jump : forall chain, jump (seen chain) = fold_left Z.mul (List.map jump chain) 1.
Proof. intros chain; unfold seen; destruct (seen_from chain point) as [_ jumps]; exact jumps. Qed.

(* Equal layers: (s - 1)(r - 1) = (k - 1)(s^L - 1), the geometric series without a quotient. *)
Lemma recursion_repeat : forall k s depth before,
  (s - 1) * recursion before (repeat (Field k s) depth) = (k - 1) * before * (s ^ Z.of_nat depth - 1).
Proof.
  induction depth as [| depth step]; intros before.
  - cbn; ring.
  - rewrite Nat2Z.inj_succ, Z.pow_succ_r by lia.
    cbn [repeat recursion size jump].
    rewrite Z.mul_add_distr_l, step; ring.
Qed.

Theorem receptive_field_equal_layers : forall k s depth,
  (s - 1) * (size (seen (repeat (Field k s) depth)) - 1) = (k - 1) * (s ^ Z.of_nat depth - 1).
Proof.
  intros; rewrite receptive_field_chain.
  replace (1 + recursion 1 (repeat (Field k s) depth) - 1) with (recursion 1 (repeat (Field k s) depth)) by ring.
  rewrite recursion_repeat; ring.
Qed.

(* With stride one the receptive field grows by k - 1 a layer. *)
Theorem receptive_field_stride_one : forall k depth,
  size (seen (repeat (Field k 1) depth)) = 1 + Z.of_nat depth * (k - 1).
Proof.
  intros k depth; rewrite receptive_field_chain; f_equal.
  assert (general : forall d, recursion 1 (repeat (Field k 1) d) = Z.of_nat d * (k - 1)).
  { induction d as [| d step]; [reflexivity |].
    rewrite Nat2Z.inj_succ. cbn [repeat recursion size jump].
    rewrite Z.mul_1_r with (n := 1), step; ring. }
  apply general.
Qed.

(* ---- How many places a kernel has ---------------------------------------------------------------------------------- *)

(* The kernel that starts at s*i covers s*i, s*i + d, ..., s*i + d*(k - 1); it fits when the last one is below n. *)
Definition fits (n s d k i : Z) : bool := s * i + d * (k - 1) <? n.

Lemma fits_below : forall n s d k i, 0 < s -> fits n s d k i = (i <? (n - d * (k - 1) - 1) / s + 1).
Proof.
  intros n s d k i s_pos; unfold fits.
  set (room := n - d * (k - 1) - 1).
  pose proof (Z.div_mod room s ltac:(lia)) as division.
  pose proof (Z.mod_pos_bound room s s_pos) as rest.
  destruct (Z.ltb_spec (s * i + d * (k - 1)) n) as [inside | outside];
    destruct (Z.ltb_spec i (room / s + 1)) as [below | above]; trivial; exfalso; unfold room in *; nia.
Qed.

Lemma count_below : forall bound start places,
  0 <= start <= bound -> bound <= start + Z.of_nat places ->
  Z.of_nat (length (filter (fun i => Z.of_nat i <? bound) (seq (Z.to_nat start) places))) = bound - start.
Proof.
  intros bound start places; revert start.
  induction places as [| places step]; intros start inside enough.
  - cbn; lia.
  - cbn [seq filter].
    rewrite Z2Nat.id by lia.
    destruct (Z.ltb_spec start bound) as [below | above].
    + cbn [length]. rewrite Nat2Z.inj_succ.
      rewrite <- Z2Nat.inj_succ by lia.
      rewrite step by lia. lia.
    + assert (start = bound) by lia. subst.
      rewrite <- Z2Nat.inj_succ by lia.
      assert (none : forall from more, bound <= Z.of_nat from ->
        filter (fun i => Z.of_nat i <? bound) (seq from more) = []).
      { intros from more; revert from; induction more as [| more none]; intros from beyond; [reflexivity |].
        cbn. destruct (Z.ltb_spec (Z.of_nat from) bound); [lia |]. apply none; lia. }
      rewrite none by lia. cbn; lia.
Qed.

(* The number of places among 0, 1, ..., n - 1 where a dilated kernel fits at stride s is the published output size. *)
Theorem convolution_count : forall n s d k, 0 < s -> 0 < d -> 0 < k -> d * (k - 1) + 1 <= n ->
  Z.of_nat (length (filter (fun i => fits n s d k (Z.of_nat i)) (seq 0 (Z.to_nat n)))) = (n - d * (k - 1) - 1) / s + 1.
Proof.
  intros n s d k s_pos d_pos k_pos room.
  rewrite (filter_ext _ (fun i => Z.of_nat i <? (n - d * (k - 1) - 1) / s + 1))
    by (intros; apply fits_below; assumption).
  assert (0 <= (n - d * (k - 1) - 1) / s) by (apply Z.div_pos; lia).
  assert ((n - d * (k - 1) - 1) / s <= n - d * (k - 1) - 1).
  { apply Z.div_le_upper_bound; nia. }
  pose proof (count_below ((n - d * (k - 1) - 1) / s + 1) 0 (Z.to_nat n)) as count.
  cbn [Z.to_nat] in count. rewrite count; nia.
Qed.

(* Where the kernel is longer than the input it fits nowhere. *)
Theorem convolution_count_none : forall n s d k i, 0 < s -> 0 <= i -> n < d * (k - 1) + 1 -> fits n s d k i = false.
Proof. intros n s d k i s_pos i_nonneg long; unfold fits; apply Z.ltb_ge; nia. Qed.
