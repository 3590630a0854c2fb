(* What all networks compute: running is a functor, copies are powers, and side by side networks form a commutative ring's module. *)

From Coq Require Import ZArith Lia List String Bool.
Require Import definitions carriers shapes.
Import ListNotations.
Open Scope Z_scope.

(* ---- Running ---------------------------------------------------------------------------------------------------------- *)

(* Numbers are those of any commutative ring; a tensor has a number at every point of a box; a layer computes a tensor of a tensor. *)
Section Running.
Context {R : Type} (zero one : R) (add mul sub : R -> R -> R) (opp : R -> R).
Context (ring_laws : ring_theory zero one add mul sub opp eq).
Add Ring numbers : ring_laws.

Record tensor := Tensor { box : shape; at_ : list Z -> R }.
Context (computes : layer -> tensor -> tensor).

(* Two tensors are the same if they have one box and the same numbers. *)
Definition same (x y : tensor) : Prop := box x = box y /\ forall p, List.length p = List.length (box x) -> at_ x p = at_ y p.

Definition pointwise (op : R -> R -> R) (x y : tensor) : tensor := Tensor (box x) (fun p => op (at_ x p) (at_ y p)).
Definition stack (axis : nat) (x y : tensor) : tensor :=
  let n := size axis (box x) in
  Tensor (resized axis (n + size axis (box y)) (box x))
    (fun p => if size axis p <? n then at_ x p else at_ y (resized axis (size axis p - n) p)).

Definition joining (how : join) : tensor -> tensor -> tensor :=
  match how with Added => pointwise add | Multiplied => pointwise mul | Stacked axis => stack axis end.
Definition join_all (how : join) (xs : list tensor) : tensor :=
  match xs with [] => Tensor [] (fun _ => zero) | x :: rest => fold_left (joining how) rest x end.

Fixpoint run (net : network) (x : tensor) : tensor :=
  match net with
  | Leaf l => computes l x
  | Identity => x
  | Series fs => fold_left (fun y f => run f y) fs x
  | Join how fs => join_all how (map (fun f => run f x) fs)
  | Repeat n f => Nat.iter n (run f) x
  | Shared _ f => run f x
  end.

Lemma same_refl : forall x, same x x.
Proof. intros x; split; reflexivity. Qed.
Lemma same_sym : forall x y, same x y -> same y x.
Proof. intros x y [boxes numbers]; split; [congruence |]; intros p long; symmetry; apply numbers; congruence. Qed.
Lemma same_trans : forall x y z, same x y -> same y z -> same x z.
Proof. intros x y z [b n] [b' n']; split; [congruence |]; intros p long; rewrite n by assumption; apply n'; congruence. Qed.

(* One after the other. *)
Lemma run_parts : forall f x, run (Series (parts f)) x = run f x.
Proof. now intros []. Qed.
Lemma run_in_series : forall fs x, run (in_series fs) x = run (Series fs) x.
Proof. now intros [| f [| g fs]]. Qed.

Theorem run_series : forall f g x, run (f >> g) x = run g (run f x).
Proof.
  intros f g x; unfold after; rewrite run_in_series, <- (run_parts f), <- (run_parts g); cbn [run]; apply fold_left_app.
Qed.

(* Copies. *)
Theorem repeat_sum : forall f m n x, run (Repeat (m + n) f) x = run (Repeat m f >> Repeat n f) x.
Proof. intros f m n x; rewrite run_series; cbn [run]; rewrite Nat.add_comm; unfold Nat.iter; now rewrite nat_rect_plus. Qed.

Theorem repeat_product : forall f m n x, run (Repeat n (Repeat m f)) x = run (Repeat (m * n) f) x.
Proof.
  intros f m n x; cbn [run]; induction n as [| n step]; [now rewrite Nat.mul_0_r |].
  replace (m * S n)%nat with (m + m * n)%nat by lia.
  unfold Nat.iter in *; rewrite nat_rect_plus, <- step; reflexivity.
Qed.

Theorem repeat_zero_is_id : forall f x, run (Repeat 0 f) x = run Identity x.
Proof. reflexivity. Qed.

Theorem repeat_one_is_itself : forall f x, run (Repeat 1 f) x = run f x.
Proof. reflexivity. Qed.

(* Joins of branches of one box: what is joined twice is joined at once. *)
Definition rank_of (how : join) (n : nat) : Prop := match how with Stacked axis => (axis < n)%nat | _ => True end.

Lemma joining_same : forall how x x' y y', same x x' -> same y y' -> rank_of how (List.length (box x)) ->
  List.length (box y) = List.length (box x) -> same (joining how x y) (joining how x' y').
Proof.
  intros how x x' y y' [box_x numbers_x] [box_y numbers_y] inside alike; destruct how as [| | axis]; cbn [joining rank_of] in *.
  - split; [exact box_x |]; intros p long; cbn in *; rewrite numbers_x, numbers_y by congruence; reflexivity.
  - split; [exact box_x |]; intros p long; cbn in *; rewrite numbers_x, numbers_y by congruence; reflexivity.
  - unfold stack; rewrite <- box_x, <- box_y; split; [reflexivity |].
    intros p long; cbn [box at_] in *; rewrite length_resized in long by assumption.
    destruct (_ <? _); [apply numbers_x; assumption | apply numbers_y].
    rewrite length_resized by lia; congruence.
Qed.

Lemma joining_length : forall how x y, rank_of how (List.length (box x)) -> List.length (box (joining how x y)) = List.length (box x).
Proof. intros [| | axis] x y inside; cbn in *; try reflexivity; now apply length_resized. Qed.

Lemma joining_associative : forall how x y z, rank_of how (List.length (box x)) ->
  List.length (box y) = List.length (box x) -> List.length (box z) = List.length (box x) ->
  (forall axis, how = Stacked axis -> 0 <= size axis (box y)) ->
  same (joining how x (joining how y z)) (joining how (joining how x y) z).
Proof.
  intros [| | axis] x y z inside alike_y alike_z natural; cbn [joining rank_of] in *.
  - split; [reflexivity |]; intros p long; cbn; ring.
  - split; [reflexivity |]; intros p long; cbn; ring.
  - specialize (natural axis eq_refl); unfold stack; split; cbn [box at_].
    + rewrite !size_resized, resized_twice by (rewrite ?length_resized; lia); f_equal; lia.
    + intros p long; rewrite length_resized in long by assumption.
      rewrite !size_resized by lia.
      destruct (Z.ltb_spec (size axis p) (size axis (box x))), (Z.ltb_spec (size axis p - size axis (box x)) (size axis (box y))),
        (Z.ltb_spec (size axis p) (size axis (box x) + size axis (box y))); try lia; try reflexivity.
      rewrite resized_twice by lia; do 2 f_equal; lia.
Qed.

(* Branches of one rank; where they are stacked, along one of their axes, of a size that is not negative. *)
Definition fits (how : join) (n : nat) (x : tensor) : Prop :=
  List.length (box x) = n /\ rank_of how n /\ (forall axis, how = Stacked axis -> 0 <= size axis (box x)).
Definition level (how : join) (n : nat) (x : tensor) (f : network) : Prop :=
  branches_of how f <> [] /\ Forall (fun g => fits how n (run g x)) (branches_of how f).

Lemma fits_joining : forall how n x y, fits how n x -> fits how n y -> fits how n (joining how x y).
Proof.
  intros how n x y [long [inside natural]] [long' [_ natural']]; split; [| split].
  - rewrite joining_length; congruence.
  - assumption.
  - intros axis stacks; subst how; cbn [joining rank_of] in *; unfold stack; cbn [box]; rewrite size_resized by lia.
    specialize (natural axis eq_refl); specialize (natural' axis eq_refl); lia.
Qed.

Lemma fold_same : forall how n ys x x', Forall (fits how n) ys -> fits how n x -> same x x' ->
  same (fold_left (joining how) ys x) (fold_left (joining how) ys x').
Proof.
  induction ys as [| y ys step]; intros x x' all x_fits alike; [exact alike |].
  inversion all as [| ? ? y_fits ys_fit]; subst; cbn [fold_left]; apply step; [assumption | now apply fits_joining |].
  destruct x_fits as [long [inside _]], y_fits as [long' _].
  apply joining_same; [assumption | apply same_refl | now rewrite long | congruence].
Qed.

Lemma fold_joining : forall how n ys x y, Forall (fits how n) ys -> fits how n x -> fits how n y ->
  same (fold_left (joining how) ys (joining how x y)) (joining how x (fold_left (joining how) ys y)).
Proof.
  induction ys as [| z ys step]; intros x y all x_fits y_fits; [apply same_refl |].
  inversion all as [| ? ? z_fits ys_fit]; subst; cbn [fold_left].
  eapply same_trans; [| apply step; [assumption | assumption | now apply fits_joining]].
  apply fold_same with n; [assumption | now repeat apply fits_joining |]; apply same_sym.
  destruct x_fits as [long [inside natural]], y_fits as [long' [_ natural']], z_fits as [long'' _].
  apply joining_associative; [now rewrite long | congruence | congruence | assumption].
Qed.

Lemma join_all_app : forall how n xs ys, xs <> [] -> ys <> [] -> Forall (fits how n) xs -> Forall (fits how n) ys ->
  same (join_all how (xs ++ ys)) (joining how (join_all how xs) (join_all how ys)).
Proof.
  intros how n [| x xs] [| y ys] some some' all all'; try easy; cbn [app join_all].
  inversion all as [| ? ? x_fits xs_fit]; inversion all' as [| ? ? y_fits ys_fit]; subst.
  rewrite fold_left_app; cbn [fold_left]; apply fold_joining with n; try assumption.
  clear some all; revert x x_fits; induction xs as [| z xs step]; intros x x_fits; [assumption |].
  inversion xs_fit; subst; cbn [fold_left]; apply step; [assumption | now apply fits_joining].
Qed.

Lemma run_branches : forall how f x, branches_of how f <> [] -> join_all how (map (fun g => run g x) (branches_of how f)) = run f x.
Proof.
  intros how f x; apply (of_branches (fun fs f => fs <> [] -> join_all how (map (fun g => run g x) fs) = run f x)); reflexivity.
Qed.

(* What joined networks give is what they give, joined. *)
Theorem run_joint : forall how n f g x, level how n x f -> level how n x g ->
  same (run (joint how f g) x) (joining how (run f x) (run g x)).
Proof.
  intros how n f g x [some all] [some' all']; unfold joint; cbn [run]; rewrite map_app.
  rewrite <- (run_branches how f), <- (run_branches how g) by assumption.
  apply join_all_app with n; try (rewrite Forall_map; assumption);
    [destruct (branches_of how f) | destruct (branches_of how g)]; easy.
Qed.

Theorem run_add : forall n f g x, level Added n x f -> level Added n x g -> same (run (plus f g) x) (pointwise add (run f x) (run g x)).
Proof. intros; now apply (run_joint Added n). Qed.
Theorem run_mul : forall n f g x, level Multiplied n x f -> level Multiplied n x g -> same (run (times f g) x) (pointwise mul (run f x) (run g x)).
Proof. intros; now apply (run_joint Multiplied n). Qed.
Theorem run_concat : forall axis n f g x, level (Stacked axis) n x f -> level (Stacked axis) n x g ->
  same (run (beside axis f g) x) (stack axis (run f x) (run g x)).
Proof. intros; now apply (run_joint (Stacked axis) n). Qed.

(* Sums and products of branches in any order; joins of joins are one. *)
Lemma branches_of_joint : forall how f g, branches_of how (joint how f g) = branches_of how f ++ branches_of how g.
Proof. intros [| | axis] f g; cbn; rewrite ?Nat.eqb_refl; reflexivity. Qed.

Theorem joint_associative : forall how f g h, joint how (joint how f g) h = joint how f (joint how g h).
Proof. intros; unfold joint at 1 3; now rewrite !branches_of_joint, app_assoc. Qed.
Theorem add_associative : forall f g h, plus (plus f g) h = plus f (plus g h).
Proof. intros; apply joint_associative. Qed.
Theorem mul_associative : forall f g h, times (times f g) h = times f (times g h).
Proof. intros; apply joint_associative. Qed.
Theorem concat_associative : forall axis f g h, beside axis (beside axis f g) h = beside axis f (beside axis g h).
Proof. intros; apply joint_associative. Qed.

Lemma joint_commutative : forall how n f g x op, joining how = pointwise op -> (forall a b, op a b = op b a) ->
  level how n x f -> level how n x g -> box (run g x) = box (run f x) -> same (run (joint how f g) x) (run (joint how g f) x).
Proof.
  intros how n f g x op each commutes f_level g_level boxes.
  eapply same_trans; [now apply (run_joint how n) |]; apply same_sym; eapply same_trans; [now apply (run_joint how n) |].
  rewrite each; split; [exact boxes |]; intros p long; cbn; apply commutes.
Qed.
Theorem add_commutative : forall n f g x, level Added n x f -> level Added n x g -> box (run g x) = box (run f x) ->
  same (run (plus f g) x) (run (plus g f) x).
Proof. intros n f g x one_ two boxes; apply (joint_commutative Added n f g x add); trivial; intros; ring. Qed.
Theorem mul_commutative : forall n f g x, level Multiplied n x f -> level Multiplied n x g -> box (run g x) = box (run f x) ->
  same (run (times f g) x) (run (times g f) x).
Proof. intros n f g x one_ two boxes; apply (joint_commutative Multiplied n f g x mul); trivial; intros; ring. Qed.

Theorem mul_over_add : forall n f g h x, level Added n x g -> level Added n x h ->
  level Multiplied n x f -> level Multiplied n x g -> level Multiplied n x h ->
  level Multiplied n x (plus g h) -> level Added n x (times f g) -> level Added n x (times f h) ->
  same (run (times f (plus g h)) x) (run (plus (times f g) (times f h)) x).
Proof.
  intros n f g h x g_sum h_sum f_mul g_mul h_mul sum_mul fg_sum fh_sum.
  destruct (run_mul n f (plus g h) x f_mul sum_mul) as [box_l at_l].
  destruct (run_add n g h x g_sum h_sum) as [box_s at_s].
  destruct (run_add n (times f g) (times f h) x fg_sum fh_sum) as [box_r at_r].
  destruct (run_mul n f g x f_mul g_mul) as [box_g at_g].
  destruct (run_mul n f h x f_mul h_mul) as [box_h at_h].
  assert (ranks : forall g how, level how n x g -> List.length (box (run g x)) = n).
  { intros g0 how [some all]; rewrite <- (run_branches how g0) by assumption.
    destruct (branches_of how g0) as [| b bs]; [easy |]; inversion all as [| ? ? b_fits bs_fit]; subst; cbn [map join_all].
    rewrite <- Forall_map in bs_fit; revert b_fits bs_fit; generalize (run b x); generalize (map (fun g => run g x) bs).
    intros ys; induction ys as [| y ys step]; intros z z_fits ys_fit; [apply z_fits |]; cbn [fold_left].
    inversion ys_fit; subst; apply step; [now apply fits_joining | assumption]. }
  cbn [pointwise box at_] in *; split; [congruence |].
  intros p long; rewrite at_l by assumption; rewrite box_l in long.
  rewrite at_r, at_g, at_h by congruence.
  rewrite at_s by (rewrite box_s, (ranks g Added), <- (ranks f Multiplied) by assumption; exact long).
  ring.
Qed.

(* Whatever comes before branches can be copied into them. *)
Theorem series_after_joint : forall how n p f g x, level how n (run p x) f -> level how n (run p x) g ->
  level how n x (p >> f) -> level how n x (p >> g) ->
  same (run (p >> joint how f g) x) (run (joint how (p >> f) (p >> g)) x).
Proof.
  intros how n p f g x f_level g_level pf_level pg_level; rewrite run_series.
  eapply same_trans; [now apply (run_joint how n) |]; apply same_sym; eapply same_trans; [now apply (run_joint how n) |].
  rewrite !run_series; apply same_refl.
Qed.
Theorem series_after_add : forall n p f g x, level Added n (run p x) f -> level Added n (run p x) g ->
  level Added n x (p >> f) -> level Added n x (p >> g) -> same (run (p >> plus f g) x) (run (plus (p >> f) (p >> g)) x).
Proof. intros; now apply (series_after_joint Added n). Qed.
Theorem series_after_mul : forall n p f g x, level Multiplied n (run p x) f -> level Multiplied n (run p x) g ->
  level Multiplied n x (p >> f) -> level Multiplied n x (p >> g) -> same (run (p >> times f g) x) (run (times (p >> f) (p >> g)) x).
Proof. intros; now apply (series_after_joint Multiplied n). Qed.
Theorem series_after_concat : forall axis n p f g x, level (Stacked axis) n (run p x) f -> level (Stacked axis) n (run p x) g ->
  level (Stacked axis) n x (p >> f) -> level (Stacked axis) n x (p >> g) ->
  same (run (p >> beside axis f g) x) (run (beside axis (p >> f) (p >> g)) x).
Proof. intros; now apply (series_after_joint (Stacked axis) n). Qed.

(* A layer that follows branches can be copied into them, if it goes through the join. *)
Definition respects (h : tensor -> tensor) : Prop := forall x y, same x y -> same (h x) (h y).
Definition goes_through (how : join) (h : tensor -> tensor) : Prop := forall x y, box y = box x \/ (exists axis, how = Stacked axis) ->
  same (h (joining how x y)) (joining how (h x) (h y)).

Lemma joint_before : forall how n f g h x, respects (run h) -> goes_through how (run h) ->
  box (run g x) = box (run f x) \/ (exists axis, how = Stacked axis) ->
  level how n x f -> level how n x g -> level how n x (f >> h) -> level how n x (g >> h) ->
  same (run (joint how f g >> h) x) (run (joint how (f >> h) (g >> h)) x).
Proof.
  intros how n f g h x respecting through_it boxes f_level g_level fh_level gh_level; rewrite run_series.
  eapply same_trans; [apply respecting; now apply (run_joint how n) |].
  apply same_sym; eapply same_trans; [now apply (run_joint how n) |].
  rewrite !run_series; apply same_sym, through_it; exact boxes.
Qed.

(* A function of single elements goes through a concatenation; one that is multiplicative, such as the absolute value, through a product. *)
Definition of_elements (h : tensor -> tensor) (phi : R -> R) : Prop := forall x, h x = Tensor (box x) (fun p => phi (at_ x p)).

Lemma of_elements_respects : forall h phi, of_elements h phi -> respects h.
Proof. intros h phi each x y [boxes numbers]; rewrite !each; split; [exact boxes |]; intros p long; cbn in *; now rewrite numbers. Qed.

Theorem concat_before_elementwise : forall axis n f g h phi x, of_elements (run h) phi ->
  level (Stacked axis) n x f -> level (Stacked axis) n x g -> level (Stacked axis) n x (f >> h) -> level (Stacked axis) n x (g >> h) ->
  same (run (beside axis f g >> h) x) (run (beside axis (f >> h) (g >> h)) x).
Proof.
  intros axis n f g h phi x each f_level g_level fh_level gh_level.
  apply (joint_before (Stacked axis) n); trivial; [now apply of_elements_respects with phi | | right; now exists axis].
  intros y z _; rewrite !each; split; [reflexivity |]; intros p long; cbn; now destruct (_ <? _).
Qed.

Theorem mul_before_absolute_value : forall n f g h phi x, of_elements (run h) phi -> (forall a b, phi (mul a b) = mul (phi a) (phi b)) ->
  box (run g x) = box (run f x) ->
  level Multiplied n x f -> level Multiplied n x g -> level Multiplied n x (f >> h) -> level Multiplied n x (g >> h) ->
  same (run (times f g >> h) x) (run (times (f >> h) (g >> h)) x).
Proof.
  intros n f g h phi x each multiplicative boxes f_level g_level fh_level gh_level.
  apply (joint_before Multiplied n); trivial; [now apply of_elements_respects with phi | | now left].
  intros y z _; rewrite !each; split; [reflexivity |]; intros p long; cbn; apply multiplicative.
Qed.

(* A linear map: every number of the output is a sum of numbers of the input with weights, at points that the box tells. *)
Definition linear (h : tensor -> tensor) (makes_box : shape -> shape) (reads : shape -> list Z -> list (R * list Z)) : Prop :=
  (forall x, h x = Tensor (makes_box (box x))
    (fun p => fold_right add zero (map (fun term => mul (fst term) (at_ x (snd term))) (reads (box x) p))))
  /\ (forall b p term, In term (reads b p) -> List.length (snd term) = List.length b).

Theorem add_before_linear : forall n f g h makes_box reads x, linear (run h) makes_box reads ->
  box (run g x) = box (run f x) ->
  level Added n x f -> level Added n x g -> level Added n x (f >> h) -> level Added n x (g >> h) ->
  same (run (plus f g >> h) x) (run (plus (f >> h) (g >> h)) x).
Proof.
  intros n f g h makes_box reads x [is_linear inside] boxes f_level g_level fh_level gh_level.
  apply (joint_before Added n); trivial; [| | now left].
  - intros y z [box_yz numbers]; rewrite !is_linear, <- box_yz; split; [reflexivity |]; intros p long; cbn [at_].
    f_equal; apply map_ext_in; intros term among_them; f_equal; apply numbers; eapply inside; eassumption.
  - intros y z [box_yz | [axis none]]; [| discriminate]; rewrite !is_linear; cbn [joining pointwise box at_]; rewrite box_yz.
    split; [reflexivity |]; intros p long; unfold pointwise; cbn [at_].
    induction (reads (box y) p) as [| term terms step]; cbn [map fold_right]; [ring | rewrite step; ring].
Qed.

End Running.
