(* What the generated laws are stated and proved with: finite sums, induction from a least value, one tactic. *)

From Coq Require Import ZArith Lia.
Open Scope Z_scope.

(* The sum of f(j) over low <= j < high; zero when there is no such j. *)
Fixpoint sum_of (f : Z -> Z) (low : Z) (length : nat) : Z :=
  match length with
  | O => 0
  | S less => sum_of f low less + f (low + Z.of_nat less)
  end.

Definition sum (low high : Z) (f : Z -> Z) : Z := sum_of f low (Z.to_nat (high - low)).

Lemma sum_none : forall low high f, high <= low -> sum low high f = 0.
Proof. intros low high f empty; unfold sum. replace (Z.to_nat (high - low)) with O by lia. reflexivity. Qed.

Lemma sum_more : forall low high less f, high = less + 1 -> low <= less -> sum low high f = sum low less f + f less.
Proof.
  intros low high less f one_more some; subst; unfold sum.
  replace (Z.to_nat (less + 1 - low)) with (S (Z.to_nat (less - low))) by lia.
  cbn; f_equal; f_equal; lia.
Qed.

Lemma power_more : forall base exponent less, exponent = less + 1 -> 0 <= less -> base ^ exponent = base * base ^ less.
Proof. intros base exponent less one_more natural; subst. rewrite Z.add_1_r; apply Z.pow_succ_r; assumption. Qed.

Lemma power_positive : forall base exponent, 1 <= base -> 0 <= exponent -> 1 <= base ^ exponent.
Proof. intros base exponent base_pos natural. assert (0 < base ^ exponent) by (apply Z.pow_pos_nonneg; lia). lia. Qed.

Lemma from_least : forall (least : Z) (P : Z -> Prop),
  P least -> (forall n, least <= n -> P n -> P (n + 1)) -> forall n, least <= n -> P n.
Proof.
  intros least P base step n above.
  replace n with (least + (n - least)) by ring.
  assert (natural : 0 <= n - least) by lia.
  revert natural; generalize (n - least); clear n above.
  apply natlike_ind.
  - rewrite Z.add_0_r; assumption.
  - intros m natural hypothesis.
    replace (least + Z.succ m) with (least + m + 1) by lia.
    apply step; [lia | assumption].
Qed.

(* Comparisons inside choices, then arithmetic of growing strength. *)
Ltac cases := repeat match goal with
  | |- context [Z.leb ?a ?b] => destruct (Z.leb_spec a b)
  | |- context [Z.ltb ?a ?b] => destruct (Z.ltb_spec a b)
  | |- context [Z.eqb ?a ?b] => destruct (Z.eqb_spec a b)
  end.

(* Quotients that are exact. *)
Ltac exact_quotients := repeat match goal with
  | |- context [?a * ?b / ?a] => replace (a * b / a) with b by (rewrite (Z.mul_comm a b), Z.div_mul; lia)
  | |- context [?b * ?a / ?a] => replace (b * a / a) with b by (rewrite Z.div_mul; lia)
  | |- context [?a / ?a] => replace (a / a) with 1 by (rewrite Z.div_same; lia)
  | |- context [?a / 1] => rewrite (Z.div_1_r a)
  end.

(* Floors are first given by the inequalities that define them; without floors plain arithmetic is faster. *)
Ltac arithmetic := cases; exact_quotients; first
  [ reflexivity
  | ring
  | match goal with
    | |- context [Z.div _ _] => idtac
    | |- context [Z.modulo _ _] => idtac
    end; timeout 60 (Z.to_euclidean_division_equations; nia)
  | timeout 30 lia
  | timeout 60 nia
  | timeout 60 (Z.to_euclidean_division_equations; nia) ].

(* Divisors are not zero, exponents not negative. *)
Ltac defined := first
  [ timeout 30 lia
  | apply not_eq_sym, Z.lt_neq; first [timeout 60 nia | apply Z.pow_pos_nonneg; lia]
  | timeout 60 nia ].
