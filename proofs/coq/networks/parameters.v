(* The parameters of all networks: of tensors that are shared under a name one counts. *)

From Coq Require Import ZArith Lia List String Bool.
Require Import definitions carriers shapes counts.
Import ListNotations.
Open Scope Z_scope.

(* ---- Parameters ------------------------------------------------------------------------------------------------------- *)

Definition weights_of (f : network) (s : shape) : weights := value weighing f s.
Definition names_of (f : network) (s : shape) : list string := map fst (shared (weights_of f s)).
Definition apart (first second : list string) : Prop := forall name, In name first -> In name second -> False.

Lemma among_in : forall name names, among name names = true <-> In name names.
Proof.
  intros; unfold among; rewrite existsb_exists; split.
  - intros [x [inside same]]; apply String.eqb_eq in same; now subst.
  - intros inside; exists name; split; [assumption | apply String.eqb_refl].
Qed.

(* Only which names have been seen matters, and only those that come. *)
Lemma once_ext : forall held seen seen',
  (forall name, In name (map fst held) -> (In name seen <-> In name seen')) -> once seen held = once seen' held.
Proof.
  induction held as [| [name n] rest step]; intros seen seen' same; [reflexivity |]; cbn [once map fst] in *.
  f_equal.
  - destruct (among name seen) eqn:here, (among name seen') eqn:there; try reflexivity; exfalso.
    + apply among_in in here; apply same in here; [| now left]; apply among_in in here; congruence.
    + apply among_in in there; apply same in there; [| now left]; apply among_in in there; congruence.
  - apply step; intros other inside; cbn; rewrite (same other) by (now right); tauto.
Qed.

Lemma once_app : forall first second seen,
  once seen (first ++ second) = once seen first + once (map fst first ++ seen) second.
Proof.
  induction first as [| [name n] first step]; intros second seen; [reflexivity |].
  cbn [app once map fst]; rewrite step, <- Z.add_assoc; do 2 f_equal.
  apply once_ext; intros other _; rewrite !in_app_iff; cbn; rewrite in_app_iff; tauto.
Qed.

Lemma once_seen : forall held seen, (forall name, In name (map fst held) -> In name seen) -> once seen held = 0.
Proof.
  induction held as [| [name n] rest step]; intros seen all; [reflexivity |]; cbn [once map fst] in *.
  assert (known : among name seen = true) by (apply among_in, all; now left).
  rewrite known, (step (name :: seen)) by (intros other inside; right; apply all; now right); reflexivity.
Qed.

Lemma total_both : forall v w, apart (map fst (shared v)) (map fst (shared w)) -> total (both v w) = total v + total w.
Proof.
  intros v w disjoint; unfold total, both; cbn [own shared]; rewrite sum_list_app, once_app, app_nil_r.
  rewrite (once_ext (shared w) (map fst (shared v)) []); [ring |].
  intros name inside; split; [intros there; exfalso; eapply disjoint; eassumption | easy].
Qed.

Lemma total_unshared : forall v w, shared w = [] -> total (both v w) = total v + total w.
Proof. intros v w none; apply total_both; rewrite none; intros name _ []. Qed.

(* Weights of two parts are those of both; parameters add where no name stands in both. *)
Theorem weights_series : forall f g s, weights_of (f >> g) s = both (weights_of f s) (weights_of g (output_shape f s)).
Proof. intros; apply (value_after _ weighing_lawful); left; reflexivity. Qed.

Theorem parameters_series : forall f g s, apart (names_of f s) (names_of g (output_shape f s)) ->
  parameters (f >> g) s = parameters f s + parameters g (output_shape f s).
Proof. intros f g s disjoint; unfold parameters; fold (weights_of (f >> g) s); rewrite weights_series; now apply total_both. Qed.

Lemma weights_join : forall how fs s, weights_of (Join how fs) s = fold_right both no_weights (map (fun f => weights_of f s) fs).
Proof. intros; unfold weights_of; rewrite value_join; cbn [of_join weighing]; now rewrite map_map. Qed.

Lemma both_associative : forall u v w, both u (both v w) = both (both u v) w.
Proof. intros; apply (associative weighing weighing_lawful). Qed.
Lemma both_nothing : forall v, both v no_weights = v.
Proof. intros; apply (right_unit weighing weighing_lawful). Qed.
Lemma nothing_both : forall v, both no_weights v = v.
Proof. intros; apply (left_unit weighing weighing_lawful). Qed.

Lemma both_app : forall first second, fold_right both no_weights (first ++ second)
  = both (fold_right both no_weights first) (fold_right both no_weights second).
Proof.
  induction first as [| v first step]; intros second; cbn [app fold_right]; [now rewrite nothing_both |].
  now rewrite step, both_associative.
Qed.

Theorem weights_joint : forall how f g s, weights_of (joint how f g) s = both (weights_of f s) (weights_of g s).
Proof.
  intros how f g s; unfold joint; rewrite weights_join, map_app, both_app.
  assert (own : forall h, fold_right both no_weights (map (fun g => weights_of g s) (branches_of how h)) = weights_of h s).
  { intros h; apply (of_branches (fun fs f => fold_right both no_weights (map (fun g => weights_of g s) fs) = weights_of f s)).
    - intros fs; symmetry; apply weights_join.
    - intros alone; apply both_nothing. }
  now rewrite !own.
Qed.

Theorem parameters_joint : forall how f g s, apart (names_of f s) (names_of g s) ->
  parameters (joint how f g) s = parameters f s + parameters g s.
Proof.
  intros how f g s disjoint; unfold parameters; fold (weights_of (joint how f g) s); rewrite weights_joint; now apply total_both.
Qed.

Theorem parameters_add : forall f g s, apart (names_of f s) (names_of g s) ->
  parameters (plus f g) s = parameters f s + parameters g s.
Proof. intros; now apply parameters_joint. Qed.

Theorem parameters_concat : forall axis f g s, apart (names_of f s) (names_of g s) ->
  parameters (beside axis f g) s = parameters f s + parameters g s.
Proof. intros; now apply parameters_joint. Qed.

(* Copies have tensors of their own; what they share counts once. *)
Lemma total_again : forall v w, (forall name, In name (map fst (shared w)) -> In name (map fst (shared v))) ->
  total (both v w) = total v + sum_list (own w).
Proof.
  intros v w known; unfold total, both; cbn [own shared]; rewrite sum_list_app, once_app, app_nil_r, (once_seen (shared w)) by assumption.
  ring.
Qed.

Theorem parameters_repeat : forall f n s,
  parameters (Repeat n f) s = parameters (Series (repeat f n)) s
  /\ (output_shape f s = s -> names_of f s = [] -> parameters (Repeat n f) s = Z.of_nat n * parameters f s)
  /\ (output_shape f s = s -> (1 <= n)%nat ->
      parameters (Repeat n f) s = Z.of_nat n * sum_list (own (weights_of f s)) + once [] (shared (weights_of f s))).
Proof.
  intros f n s; assert (third : output_shape f s = s -> (1 <= n)%nat ->
    parameters (Repeat n f) s = Z.of_nat n * sum_list (own (weights_of f s)) + once [] (shared (weights_of f s))
    /\ (forall name, In name (names_of f s) -> In name (names_of (Repeat n f) s))).
  { intros kept some; induction n as [| n step]; [lia |].
    assert (more : weights_of (Repeat (S n) f) s = both (weights_of (Repeat n f) s) (weights_of f s))
      by (apply (value_more _ weighing_lawful); assumption).
    unfold parameters; fold (weights_of (Repeat (S n) f) s); rewrite more; destruct n as [| n].
    - change (weights_of (Repeat 0 f) s) with no_weights in *; split.
      + rewrite nothing_both; unfold total; ring.
      + unfold names_of; now rewrite more, nothing_both.
    - destruct step as [known names]; [lia |]; split.
      + rewrite total_again by exact names; fold (weights_of (Repeat (S n) f) s); fold (parameters (Repeat (S n) f) s).
        change (total (weights_of (Repeat (S n) f) s)) with (parameters (Repeat (S n) f) s).
        rewrite known, (Nat2Z.inj_succ (S n)); ring.
      + intros name inside; unfold names_of; rewrite more; cbn [both shared]; rewrite map_app, in_app_iff; now right. }
  repeat split.
  - unfold parameters, value; now rewrite walk_written_out by apply weighing_lawful.
  - intros kept none; destruct n as [| n]; [reflexivity |].
    destruct (third kept ltac:(lia)) as [whole _]; rewrite whole; unfold parameters, total; fold (weights_of f s).
    unfold names_of in none; apply map_eq_nil in none; rewrite none; cbn [once]; ring.
  - intros kept some; now apply third.
Qed.

(* Under names that are new and differ, a network has the parameters that it has; used again under them, it has no more. *)
Lemma once_combine : forall names sizes seen, NoDup names -> apart names seen ->
  once seen (combine names sizes) = sum_list (firstn (List.length names) sizes).
Proof.
  induction names as [| name names step]; intros [| n sizes] seen differ new; try reflexivity.
  inversion differ as [| ? ? fresh differ']; subst; cbn [combine once List.length firstn]; unfold sum_list; cbn [fold_right].
  destruct (among name seen) eqn:there; [exfalso; apply among_in in there; eapply new; [now left | eassumption] |].
  rewrite step; [reflexivity | assumption |].
  intros other inside [-> | before]; [contradiction | eapply new; [right; eassumption | eassumption]].
Qed.

Lemma sum_list_split : forall n numbers, sum_list (skipn n numbers) + sum_list (firstn n numbers) = sum_list numbers.
Proof. intros; rewrite <- (firstn_skipn n numbers) at 3; rewrite sum_list_app; ring. Qed.

Theorem parameters_named : forall names f s, NoDup names -> apart names (names_of f s) ->
  parameters (Shared names f) s = parameters f s.
Proof.
  intros names f s differ new; unfold parameters, value; cbn [walk].
  rewrite walk_pair; cbn [snd named weighing]; fold (weights_of f s); unfold total, share; cbn [own shared].
  rewrite once_app, app_nil_r, once_combine by assumption.
  rewrite <- (sum_list_split (List.length names) (own (weights_of f s))); ring.
Qed.

Theorem parameters_shared : forall axis names f s, NoDup names -> apart names (names_of f s) ->
  List.length names = List.length (own (weights_of f s)) ->
  parameters (beside axis (Shared names f) (Shared names f)) s = parameters f s.
Proof.
  intros axis names f s differ new all; rewrite <- (parameters_named names f s) by assumption.
  unfold parameters; fold (weights_of (beside axis (Shared names f) (Shared names f)) s); rewrite weights_joint.
  fold (weights_of (Shared names f) s); rewrite total_again by trivial.
  assert (none : own (weights_of (Shared names f) s) = []).
  { unfold weights_of, value; cbn [walk]; rewrite walk_pair; cbn [snd named weighing share own]; fold (weights_of f s).
    apply skipn_all2; lia. }
  rewrite none; unfold sum_list; cbn; ring.
Qed.

Theorem macs_shared : forall axis names f s,
  counts Macs (beside axis (Shared names f) (Shared names f)) s = 2 * counts Macs f s.
Proof.
  intros; rewrite counts_joint by apply free_stacked; unfold counts, value; cbn [walk]; rewrite walk_pair; cbn [snd named counting]; ring.
Qed.
