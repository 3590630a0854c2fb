(* What a certificate is stated with: boxes of index points, equations, networks, and what is counted of them.

   A certificate gives an equation for every layer, as it is written, and a network that is made of them; it proves that for all sizes of
   its domain the network fits together and that what is counted of it is the formula. Here stands what "fits" and "counted" mean; the
   proofs in this file say that counts of points are products of extents and that counts compose. Nothing is assumed. *)

From Coq Require Import ZArith List String Lia Bool.
Import ListNotations.
Open Scope string_scope. Open Scope list_scope. Open Scope Z_scope.

(* ---- Points -------------------------------------------------------------------------------------------------------- *)

Definition below (n : Z) : list Z := map Z.of_nat (seq 0 (Z.to_nat n)).

(* All points of a box with these extents, one after the other. *)
Fixpoint points (box : list Z) : list (list Z) :=
  match box with [] => [[]] | n :: rest => flat_map (fun i => map (cons i) (points rest)) (below n) end.
Definition count (box : list Z) : Z := Z.of_nat (List.length (points box)).

Lemma count_cons : forall n rest, 0 <= n -> count (n :: rest) = n * count rest.
Proof.
  intros n rest natural; unfold count, below; cbn [points].
  enough (general : forall k first, List.length
    (flat_map (fun i => map (cons i) (points rest)) (map Z.of_nat (seq first k))) = (k * List.length (points rest))%nat)
    by (unfold below; rewrite general, Nat2Z.inj_mul, Z2Nat.id by assumption; reflexivity).
  induction k as [| k step]; intros first; [reflexivity |].
  cbn [seq map flat_map]; rewrite app_length, map_length, step; reflexivity.
Qed.

Definition product (sizes : list Z) : Z := fold_right Z.mul 1 sizes.
Definition sum_list (numbers : list Z) : Z := fold_right Z.add 0 numbers.

(* The sum of f(l) over 0 <= l < n. *)
Fixpoint sum_of (f : Z -> Z) (n : nat) : Z := match n with O => 0 | S less => sum_of f less + f (Z.of_nat less) end.
Definition sum (n : Z) (f : Z -> Z) : Z := sum_of f (Z.to_nat n).

Lemma sum_closed : forall n d f s, 0 <= n -> s 0 = 0 -> (forall l, 0 <= l < n -> s (l + 1) = s l + d * f l) -> d * sum n f = s n.
Proof.
  intros n d f s natural start step; unfold sum.
  enough (general : forall k, Z.of_nat k <= n -> d * sum_of f k = s (Z.of_nat k)) by (rewrite general; rewrite Z2Nat.id; auto; lia).
  induction k as [| k hypothesis]; intros within; cbn [sum_of]; [cbn; rewrite start; ring |].
  rewrite Z.mul_add_distr_l, hypothesis, Nat2Z.inj_succ, <- Z.add_1_r, step by lia; reflexivity.
Qed.

(* ---- Equations ----------------------------------------------------------------------------------------------------- *)

(* One axis of a tensor is addressed by an index; by several of them, the last one fastest; by a constant and steps times indices;
   by what is computed of them; or by an element of a tensor that holds numbers below `rows`. *)
Inductive address :=
| At (i : string) | Group (parts : list string) | Affine (constant : Z) (steps : list (Z * string))
| Computed (parts : list string) (place : (string -> Z) -> Z) | Chosen (rows : Z) (tensor : string) (place : list string).
Inductive reduction := Sum | Mean | Product | Extremum.
(* A number is known before anything is computed; `sign` says that it is written as 1 or -1. *)
Inductive head :=
| Number (sign : bool) (indices : list string) | Read (tensor : string) (place : list address)
| Plus (terms : list head) | Times (factors : list head) | Function (arguments : list head) | Power (exponent : Z) (base : head)
| Reduce (how : reduction) (indices : list string) (body : head) | Softmax (indices : list string) (body : head).

(* A line defines a tensor at every point of its target, or surrounds a tensor by margins, with what they are filled with. *)
Inductive line :=
| Line (indices : list string) (target : string) (place : list address) (value : head)
| Pad (indices : list string) (target : string) (margins : list (Z * Z)) (source : string) (fill : list (string * list address)).

(* `clock` is the index along which a recurrence runs, `bounds` are the extents that `where` gives, `ties` the indices that a condition
   ties together, `declared` sizes of learned tensors, `whole` the quotients that have to be exact, `needs` what else is asked of sizes;
   an index of `ranges`, with those on which its range depends, runs from the first end to before the second one. *)
Definition range := (string * list string * ((string -> Z) -> Z) * ((string -> Z) -> Z))%type.
Record equation := Equation {
  inputs : list string; buffers : list string; lines : list line; output : string; clock : string;
  bounds : list (string * Z); ranges : list range; ties : list (list string);
  declared : list (string * list (option Z)); whole : list (Z * Z); needs : Prop }.
Definition wrong := Equation [] [] [] "" "" [] [] [] [] [] False.
Definition shape := list Z. Definition extents := list (string * Z).
Definition among (i : string) (names : list string) : bool := existsb (String.eqb i) names.
Fixpoint found {A} (table : list (string * A)) (i : string) : option A :=
  match table with [] => None | (j, a) :: rest => if String.eqb i j then Some a else found rest i end.
Definition extent (e : extents) (i : string) : Z := match found e i with Some n => n | None => 0 end.
Definition union (first second : list string) : list string := first ++ filter (fun i => negb (among i first)) second.
Definition unions : list (list string) -> list string := fold_right union [].
Definition without (first second : list string) : list string := filter (fun i => negb (among i second)) first.
Definition address_indices (a : address) : list string :=
  match a with At i => [i] | Group parts | Computed parts _ | Chosen _ _ parts => parts | Affine _ steps => map snd steps end.

(* The reads of tensors, those within an address after the one that holds them. *)
Definition reads_at (tensor : string) (place : list address) : list (string * list address) :=
  (tensor, place) :: flat_map (fun a => match a with Chosen _ t p => [(t, map At p)] | _ => [] end) place.
Fixpoint reads (h : head) : list (string * list address) :=
  match h with
  | Number _ _ => [] | Read tensor place => reads_at tensor place
  | Plus parts | Times parts | Function parts => flat_map reads parts | Power _ body | Reduce _ _ body | Softmax _ body => reads body
  end.
Definition target (l : line) : string := match l with Line _ name _ _ | Pad _ name _ _ _ => name end.
Definition line_reads (l : line) : list (string * list address) :=
  match l with Line _ _ _ value => reads value | Pad _ _ _ source fill => (source, []) :: fill end.

(* ---- Extents: of an axis addressed alone, of what is left of a group, of the last place where an affine address fits. --- *)

Definition highest (e : extents) (constant : Z) (steps : list (Z * string)) : Z :=
  constant + sum_list (map (fun step => fst step * (extent e (snd step) - 1)) steps).
Definition is_open (e : extents) (i : string) : bool := match found e i with None => true | _ => false end.
Definition by_axis (e : extents) (axis : address * Z) : extents :=
  match axis with (At i, n) => if is_open e i then e ++ [(i, n)] else e | _ => e end.
Definition by_group (e : extents) (axis : address * Z) : extents :=
  match axis with
  | (Group parts, n) => match filter (is_open e) parts with
    | [i] => e ++ [(i, n / product (map (extent e) (filter (fun j => negb (is_open e j)) parts)))] | _ => e end
  | _ => e
  end.
Definition by_steps (e : extents) (axis : address * Z) : extents :=
  match axis with
  | (Affine constant steps, n) => match filter (fun step => is_open e (snd step)) steps with
    | [(step, i)] => e ++ [(i, (n - 1 - highest e constant (filter (fun s => negb (is_open e (snd s))) steps)) / step + 1)] | _ => e end
  | _ => e
  end.

(* The axes of the reads of tensors whose shapes are known. *)
Definition axes (known : list (string * shape)) (all : list (string * list address)) : list (address * Z) :=
  flat_map (fun read => match found known (fst read) with Some sizes => combine (snd read) sizes | None => [] end) all.
Definition solved (from : extents) (known : list (address * Z)) : extents :=
  fold_left by_steps known (fold_left by_group known (fold_left by_axis known from)).
Definition size (e : extents) (a : address) : Z :=
  match a with At i => extent e i | Group parts => product (map (extent e) parts) | Affine constant steps => highest e constant steps + 1
  | Computed _ _ => 0 | Chosen rows _ _ => rows end.

(* What is known when some lines are read: shapes of inputs and defined tensors, of learned tensors and buffers, extents line by line. *)
Record table := Table { known : list (string * shape); held : list (string * shape); spans : list extents }.
Definition declared_size (e : extents) (given : option (list (option Z))) (axis : nat) (a : address) : Z :=
  match given with Some sizes => match nth axis sizes None with Some n => n | None => size e a end | None => size e a end.
Definition hold (q : equation) (e : extents) (t : table) (read : string * list address) : table :=
  let (name, place) := read in
  if among name (inputs q ++ map target (lines q)) || among name (map fst (held t)) then t else
  Table (known t) (held t ++ [(name, map (fun a => declared_size e (found (declared q) name) (fst a) (snd a))
    (combine (seq 0 (List.length place)) place))]) (spans t).

(* A line, where some extents are known from `elsewhere`; the tensor is known if all of its indices are. *)
Definition read_line (q : equation) (elsewhere : extents) (t : table) (l : line) : table :=
  match l with
  | Line indices target place value => let here := filter (fun bound => among (fst bound) indices) (bounds q) in
    let all := solved here (axes (known t) (reads value)) ++ List.concat (spans t) ++ elsewhere in
    let e := flat_map (fun i => match found all i with Some n => [(i, n)] | None => [] end) indices in
    let t := fold_left (hold q e) (reads value) t in
    let made := if existsb (is_open e) (unions (map address_indices place)) then [] else [(target, map (size e) place)] in
    Table (known t ++ made) (held t) (spans t ++ [e])
  | Pad indices target margins source fill => match found (known t) source with
    | Some sizes => let wide := map (fun p => snd p + fst (fst p) + snd (fst p)) (combine margins sizes) in
      Table (known t ++ [(target, wide)]) (held (fold_left (hold q (combine indices wide)) fill t)) (spans t ++ [combine indices wide])
    | None => Table (known t) (held t) (spans t ++ [[]]) end
  end.

(* All lines are read twice, since a line may need to know of a tensor that a later one is about. *)
Definition solve (q : equation) (entering : list shape) : table :=
  let read e := fold_left (read_line q e) (lines q) (Table (combine (inputs q) entering) [] []) in
  read (fold_left by_axis (axes (known (read [])) (flat_map line_reads (lines q))) []).

(* Whether a read stays inside its tensor; only an index that `where` bounds may stop before the end of its axis. *)
Definition all_of (list : list Prop) : Prop := fold_right and True list.
Definition inside (q : equation) (e : extents) (axis : address * Z) : Prop :=
  match axis with
  | (At i, n) => match found (bounds q) i with Some _ => extent e i <= n | None => extent e i = n end
  | (Group parts, n) => product (map (extent e) parts) = n
  | (Affine constant steps, n) => 0 <= constant /\ highest e constant steps < n /\ Forall (fun step => 0 <= fst step) steps
  | (Computed parts place, n) => forall at_, all_of (map (fun i => 0 <= at_ i < extent e i) parts) -> 0 <= place at_ < n
  | (Chosen rows _ _, n) => rows <= n
  end.
Definition range_fits (e : extents) (one : range) : Prop :=
  match one with (i, parts, low, high) => forall at_, all_of (map (fun j => 0 <= at_ j < extent e j) parts) ->
    0 <= low at_ /\ low at_ < high at_ /\ high at_ <= extent e i end.

(* A tensor that this line or a later one defines is read at an earlier step of the clock; before the first one it is zero. *)
Definition is_earlier (q : equation) (axis : address * Z) : bool :=
  match fst axis with Affine constant [(1, i)] => (constant <? 0) && String.eqb i (clock q) | _ => false end.
Definition read_fits (q : equation) (t : table) (later : list string) (e : extents) (read : string * list address) : Prop :=
  let all := axes (known t ++ held t) [read] in
  if among (fst read) later
  then existsb (is_earlier q) all = true /\ all_of (map (inside q e) (filter (fun axis => negb (is_earlier q axis)) all))
  else all_of (map (inside q e) all).
Definition line_fits (q : equation) (t : table) (number : nat) (l : line) (e : extents) : Prop :=
  let later := map target (skipn number (lines q)) in
  match l with
  | Line indices _ place value => all_of (map (fun i => 1 <= extent e i) indices) /\
    all_of (map (range_fits e) (filter (fun range => among (fst (fst (fst range))) indices) (ranges q))) /\
    all_of (map (read_fits q t later e) (reads value)) /\
    all_of (map (fun a => match a with Computed _ _ => False | _ => True end) place)
  | Pad indices _ _ source fill => all_of (map (fun i => 1 <= extent e i) indices) /\
    all_of (map (read_fits q t later e) fill) /\ among source later = false
  end.
Definition fits (q : equation) (entering : list shape) (t : table) : Prop :=
  List.length (inputs q) = List.length entering /\
  all_of (map (fun quotient => fst quotient = snd quotient * (fst quotient / snd quotient)) (whole q)) /\ needs q /\
  all_of (map (fun at_ => line_fits q t (fst (fst at_)) (snd (fst at_)) (snd at_))
    (combine (combine (seq 0 (List.length (lines q))) (lines q)) (spans t))).

(* A convolution's output: the windows that fit are those below the extent. *)
Theorem windows : forall n s d k i, 1 <= s -> 0 <= d -> 1 <= k -> 0 <= i ->
  (forall u, 0 <= u < k -> s * i + d * u < n) <-> i < (n - 1 - d * (k - 1)) / s + 1.
Proof.
  intros n s d k i s_pos d_nat k_pos i_nat.
  pose proof (Z.div_mod (n - 1 - d * (k - 1)) s ltac:(lia)) as division.
  pose proof (Z.mod_pos_bound (n - 1 - d * (k - 1)) s ltac:(lia)) as rest.
  split; [intros all; specialize (all (k - 1) ltac:(lia)); nia |].
  intros below_last u in_window.
  assert (d * u <= d * (k - 1)) by nia. assert (s * i <= s * ((n - 1 - d * (k - 1)) / s)) by nia. lia.
Qed.

(* ---- What is counted ------------------------------------------------------------------------------------------------- *)

Inductive measure := Parameters | Macs | Multiplies | Adds.
Definition when (yes : bool) (n : Z) : Z := if yes then n else 0.
Definition is (m other : measure) : bool :=
  match m, other with Parameters, Parameters | Macs, Macs | Multiplies, Multiplies | Adds, Adds => true | _, _ => false end.
Fixpoint is_number (h : head) : bool :=
  match h with
  | Number _ _ => true | Read _ _ => false
  | Plus parts | Times parts | Function parts => forallb is_number parts | Power _ body | Reduce _ _ body | Softmax _ body => is_number body
  end.
Definition is_sign (h : head) : bool := match h with Number sign _ => sign | _ => false end.

(* What a condition adds to the indices on which a reduction depends: those tied to its own, among those around it. *)
Definition tied (all : list (list string)) (own scope : list string) : list string :=
  unions (filter (fun tie => existsb (fun i => among i own) tie && forallb (fun i => among i (union scope own)) tie) all).

(* The indices on which a value depends. *)
Fixpoint depends (all : list (list string)) (scope : list string) (h : head) : list string :=
  match h with
  | Number _ indices => indices | Read _ place => unions (map address_indices place)
  | Plus parts | Times parts | Function parts => unions (map (depends all scope) parts) | Power _ body => depends all scope body
  | Reduce _ own body => without (union (depends all (union scope own) body) (tied all own scope)) own
  | Softmax own body => union (depends all (union scope own) body) (tied all own scope)
  end.

(* The points of a box that lie within the ranges. *)
Definition ranged (q : equation) (indices : list string) (point : list Z) : bool := let at_ := extent (combine indices point) in
  forallb (fun range => match range with (i, _, low, high) =>
    negb (among i indices) || (low at_ <=? at_ i) && (at_ i <? high at_) end) (ranges q).
Definition at_points (q : equation) (e : extents) (indices : list string) : Z :=
  let box := map (extent e) indices in
  if existsb (fun range => among (fst (fst (fst range))) indices) (ranges q)
  then Z.of_nat (List.length (filter (ranged q indices) (points box))) else count box.

(* An operation is done once at every point of the indices on which its value depends; a sum is an add a point, a product of n factors
   n - 1 multiplies; a sum of products of two tensors or more is a contraction, each of whose points is a multiply-accumulate. *)
Fixpoint work (m : measure) (q : equation) (e : extents) (scope : list string) (h : head) : Z :=
  if is_number h then 0 else
  let here := at_points q e (depends (ties q) scope h) in
  match h with
  | Number _ _ | Read _ _ => 0
  | Plus parts => sum_list (map (work m q e scope) parts) + when (is m Adds) (Z.of_nat (pred (List.length parts)) * here)
  | Times parts => sum_list (map (work m q e scope) parts)
      + when (is m Multiplies) (Z.of_nat (pred (List.length (filter (fun part => negb (is_sign part)) parts))) * here)
  | Function parts => sum_list (map (work m q e scope) parts)
  | Power exponent body => work m q e scope body + when (is m Multiplies) ((exponent - 1) * here)
  | Reduce how own body =>
      let reduced := at_points q e (union (depends (ties q) scope h) own) in
      work m q e (union scope own) body +
      match how, body with
      | Sum, Times parts =>
          when (is m Adds || is m Macs && (2 <=? List.length (filter (fun part => negb (is_number part)) parts))%nat) reduced
      | Sum, _ | Mean, _ => when (is m Adds) reduced
      | Product, _ => when (is m Multiplies) reduced | Extremum, _ => 0
      end
  | Softmax own body => work m q e (union scope own) body + when (is m Adds) (at_points q e (union (depends (ties q) scope h) own))
  end.

(* The lines on which the output depends; others are not computed. *)
Definition needed (q : equation) (names : list string) : list string := fold_right (fun l names =>
  if among (target l) names then unions [map fst (line_reads l); names] else names) names (lines q).
Definition line_work (m : measure) (q : equation) (item : line * extents) : Z :=
  match fst item with Pad _ _ _ _ _ => 0 | Line _ name place value =>
    when (among name (needed q (needed q [output q]))) (work m q (snd item) (unions (map address_indices place)) value) end.

(* A number of its own, and numbers of tensors that are shared under a name and a place there. *)
Record value := Value { own : Z; shared : list (string * Z) }.
Definition plus (v w : value) : value := Value (own v + own w) (shared v ++ shared w).
Fixpoint once (seen : list string) (parts : list (string * Z)) : Z :=
  match parts with [] => 0 | (name, n) :: rest => when (negb (among name seen)) n + once (name :: seen) rest end.
Definition total (v : value) : Z := own v + once [] (shared v).
Definition learned (q : equation) (t : table) : list (string * Z) :=
  map (fun h => (fst h, count (snd h))) (filter (fun h => negb (among (fst h) (buffers q))) (held t)).
Definition layer_value (m : measure) (names : list string) (q : equation) (t : table) : value :=
  match m, names with
  | Parameters, [] => Value (sum_list (map snd (learned q t))) []
  | Parameters, _ => Value 0 (combine names (map snd (learned q t)))
  | _, _ => Value (sum_list (map (line_work m q) (combine (lines q) (spans t)))) []
  end.

(* ---- Networks: what flows is a list of shapes ------------------------------------------------------------------------ *)

(* Branches are added or multiplied, where `givers` say which of them gives the size of each axis, for others may be repeated along it; or
   stacked along an axis. *)
Inductive join := Added (givers : list nat) | Multiplied (givers : list nat) | Stacked (axis : nat).

(* A `Step` hands some of what has come so far to a network and puts what comes out at the end; `Pick` keeps some. `names` are those under
   which a layer shares its learned tensors, none if it does not. *)
Inductive network :=
| Layer (names : list string) (q : list shape -> equation) | Join (how : join) | Then (first second : network)
| Step (sources : list nat) (part : network) | Pick (sources : list nat) | Repeat (times : Z) (body : Z -> network).
Definition picked (sources : list nat) (flows : list shape) : list shape := map (fun k => nth k flows []) sources.
Definition joined (how : join) (flows : list shape) : shape :=
  match how, flows with _, [] => []
  | Stacked axis, first :: _ => firstn axis first ++ [sum_list (map (fun s => nth axis s 0) flows)] ++ skipn (S axis) first
  | Added givers, _ | Multiplied givers, _ =>
      map (fun p => nth (fst p) (nth (snd p) flows []) 0) (combine (seq 0 (List.length givers)) givers)
  end.
Definition join_fits (how : join) (flows : list shape) : Prop :=
  match how, flows with _, [] => False
  | Stacked axis, first :: rest =>
      all_of (map (fun s => firstn axis s = firstn axis first /\ skipn (S axis) s = skipn (S axis) first) rest)
  | _, _ => all_of (map (fun s => List.length s = List.length (joined how flows) /\
      all_of (map (fun sizes => fst sizes = snd sizes \/ fst sizes = 1) (combine s (joined how flows)))) flows)
  end.
Definition join_work (m : measure) (how : join) (flows : list shape) : Z :=
  let here := Z.of_nat (pred (List.length flows)) * count (joined how flows) in
  match how with Added _ => when (is m Adds) here | Multiplied _ => when (is m Multiplies) here | Stacked _ => 0 end.

Record outcome := Outcome { leaves : list shape; worth : value; holds : Prop }.
Fixpoint copies (n : nat) (one : Z -> list shape -> outcome) (flows : list shape) : outcome :=
  match n with
  | O => Outcome flows (Value 0 []) True
  | S less =>
      let before := copies less one flows in
      let last := one (Z.of_nat less) (leaves before) in
      Outcome (leaves last) (plus (worth before) (worth last)) (holds before /\ holds last)
  end.

Fixpoint run (m : measure) (net : network) (flows : list shape) : outcome :=
  match net with
  | Layer names q => let t := solve (q flows) flows in
      Outcome [match found (known t) (output (q flows)) with Some sizes => sizes | None => [] end]
        (layer_value m names (q flows) t) (fits (q flows) flows t)
  | Join how => Outcome [joined how flows] (Value (join_work m how flows) []) (join_fits how flows)
  | Then first second =>
      let before := run m first flows in
      let after := run m second (leaves before) in
      Outcome (leaves after) (plus (worth before) (worth after)) (holds before /\ holds after)
  | Step sources part => let made := run m part (picked sources flows) in
      Outcome (flows ++ leaves made) (worth made) (holds made)
  | Pick sources => Outcome (picked sources flows) (Value 0 []) True
  | Repeat times body => copies (Z.to_nat times) (fun l => run m (body l)) flows
  end.

Definition gives m net flows out v : Prop :=
  leaves (run m net flows) = out /\ worth (run m net flows) = v /\ holds (run m net flows).

(* ---- How counts compose ----------------------------------------------------------------------------------------------- *)

Lemma gives_layer : forall m names q flows t out v, solve (q flows) flows = t ->
  [match found (known t) (output (q flows)) with Some sizes => sizes | None => [] end] = out ->
  layer_value m names (q flows) t = v -> fits (q flows) flows t -> gives m (Layer names q) flows out v.
Proof. intros; subst; split; [| split]; auto. Qed.
Lemma gives_join : forall m how flows out v, [joined how flows] = out -> Value (join_work m how flows) [] = v ->
  join_fits how flows -> gives m (Join how) flows out v.
Proof. intros; subst; split; [| split]; auto. Qed.
Lemma gives_then : forall m f g s t u v w, gives m f s t v -> gives m g t u w -> gives m (Then f g) s u (plus v w).
Proof. intros m f g s t u v w [<- [<- ?]] [<- [<- ?]]; split; [| split]; cbn; auto. Qed.
Lemma gives_step : forall m sources f s t u v, gives m f (picked sources s) t v -> s ++ t = u -> gives m (Step sources f) s u v.
Proof. intros m sources f s t u v [<- [<- ?]] <-; split; [| split]; cbn; auto. Qed.
Lemma gives_pick : forall m sources s t, picked sources s = t -> gives m (Pick sources) s t (Value 0 []).
Proof. intros m sources s t <-; repeat split. Qed.
Lemma gives_equal : forall m f r s t u v w, gives m f r t v -> r = s -> t = u -> v = w -> gives m f s u w.
Proof. intros; subst; assumption. Qed.

Lemma gives_repeat : forall m n body (s : Z -> list shape) w, 0 <= n ->
  (forall l, 0 <= l < n -> gives m (body l) (s l) (s (l + 1)) (w l)) -> (forall l, shared (w l) = []) ->
  gives m (Repeat n body) (s 0) (s n) (Value (sum n (fun l => own (w l))) []).
Proof.
  intros m n body s w natural each alone.
  enough (general : forall k, Z.of_nat k <= n -> let made := copies k (fun l => run m (body l)) (s 0) in
    leaves made = s (Z.of_nat k) /\ worth made = Value (sum_of (fun l => own (w l)) k) [] /\ holds made)
    by (specialize (general (Z.to_nat n)); rewrite Z2Nat.id in general by assumption; apply general; lia).
  induction k as [| k hypothesis]; intros within; [repeat split |].
  destruct (hypothesis ltac:(lia)) as [shapes [numbers good]].
  destruct (each (Z.of_nat k) ltac:(lia)) as [shapes_k [numbers_k good_k]].
  cbn [copies leaves worth holds sum_of]; rewrite shapes, numbers, shapes_k, numbers_k, Nat2Z.inj_succ.
  unfold plus; rewrite alone; auto.
Qed.

(* ---- Tactics: none of them is part of what is stated -------------------------------------------------------------------- *)

Ltac exact_quotients := repeat match goal with H : ?a mod ?b = 0 |- _ => is_var a;
  let q := fresh "q" in apply Z.mod_divide in H; [destruct H as [q H]; subst a; assert (1 <= q) by nia | lia] end;
  rewrite ?Z.div_mul in * by lia.
Ltac plain := rewrite ?Z.add_0_r, ?Z.add_0_l, ?Z.mul_1_r, ?Z.mul_1_l, ?Z.div_1_r in *.
Ltac atoms := repeat match goal with |- context [?a / ?b] => let q := fresh "q" in generalize (a / b); intro q end.
Ltac powers := rewrite ?Z.pow_add_r, ?Z.pow_1_r by lia.
Ltac floors := Z.to_euclidean_division_equations; first [timeout 20 lia | timeout 20 nia].
Ltac arithmetic := intros; plain; first [reflexivity | lia | ring | exact_quotients; first [lia | ring | timeout 10 nia | floors]].
Ltac computed := cbv -[Z.add Z.sub Z.mul Z.div Z.opp Z.max Z.min Z.pow Z.modulo Z.le Z.lt Z.ge Z.gt count sum].
Ltac lists := repeat match goal with |- _ :: _ = _ :: _ => apply (f_equal2 cons) | |- (_, _) = (_, _) => apply (f_equal2 pair)
  | |- Table _ _ _ = Table _ _ _ => f_equal | |- Value _ _ = Value _ _ => apply (f_equal2 Value) | |- @eq nat _ _ => reflexivity
  | |- @eq string _ _ => reflexivity | |- @eq bool _ _ => reflexivity | |- @nil _ = @nil _ => reflexivity end; arithmetic.
Ltac counted := computed; repeat rewrite count_cons by arithmetic; change (count []) with 1; lists.
Ltac decided := first [vm_compute; intuition discriminate | intros; floors].
Ltac in_copies := repeat match goal with H : forall l : Z, 0 <= l < ?n -> _, K : 0 <= ?m < ?n |- _ =>
  let T := type of (H m K) in assert_fails (assert T by assumption); pose proof (H m K) end.
Ltac one_of := first [left; reflexivity | right; reflexivity | left; arithmetic | right; arithmetic].
Ltac within := intros at_ bounded; repeat match goal with H : _ /\ _ |- _ => destruct H end;
  repeat match goal with H : context [at_ ?i] |- _ => generalize dependent (at_ i); intros end; split; floors.
Ltac fitting := computed; repeat match goal with |- _ /\ _ => split | |- True => exact I | |- Forall _ _ => constructor
  | |- _ \/ _ => one_of | |- forall _ : string -> Z, _ => within end; lists.
