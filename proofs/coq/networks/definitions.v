(* Networks as an inductive type, and what is computed of them as folds.

   A network is a layer, an identity, networks one after the other, side by side or in copies, or one whose learned tensors are shared
   under names. Nothing is assumed of a layer: it makes a shape of a shape, and is worth something at the shape that enters. A metric is a
   carrier: what a layer is worth to it, and how values combine. There is one walk, which carries the shape along and folds the values;
   counts, parameters, depth, receptive fields and shapes are this walk with their carriers. The laws about all networks, which the other
   files of this folder prove, are stated with what stands here. *)

From Coq Require Import ZArith List String Bool.
Import ListNotations.
Open Scope Z_scope.

Definition shape := list Z.

(* ---- Networks ------------------------------------------------------------------------------------------------------ *)

Inductive count := Macs | Multiplies | Adds | Others | Activations.
Inductive longest := Weighted | Layers.

(* A window along one axis: of how many positions, how far those of neighbours are apart, and where the first one starts. *)
Record field := Field { kernel : Z; jump : Z; start : Z }.

(* What a layer makes of a shape, and what it is worth there: the elements of its learned tensors, operations, the longest chain of learned
   maps within it, and its window along an axis, if it has one. *)
Record layer := Layer {
  makes : shape -> shape; tensors : shape -> list Z; counted : count -> shape -> Z; chain : shape -> nat;
  sees : nat -> shape -> option field }.

Inductive join := Added | Multiplied | Stacked (axis : nat).

Inductive network :=
| Leaf (l : layer)
| Identity
| Series (parts : list network)
| Join (how : join) (branches : list network)
| Repeat (times : nat) (body : network)
| Shared (names : list string) (body : network).

(* Induction over networks, with a hypothesis for every part. *)
Fixpoint network_induction (P : network -> Prop) (leaf : forall l, P (Leaf l)) (identity : P Identity)
  (series : forall parts, Forall P parts -> P (Series parts))
  (beside : forall how branches, Forall P branches -> P (Join how branches))
  (copies : forall times body, P body -> P (Repeat times body))
  (shared : forall names body, P body -> P (Shared names body)) (net : network) : P net :=
  let each := network_induction P leaf identity series beside copies shared in
  let all := fix all (nets : list network) : Forall P nets :=
    match nets with [] => Forall_nil P | f :: rest => Forall_cons f (each f) (all rest) end in
  match net with
  | Leaf l => leaf l
  | Identity => identity
  | Series parts => series parts (all parts)
  | Join how branches => beside how branches (all branches)
  | Repeat times body => copies times body (each body)
  | Shared names body => shared names body (each body)
  end.

(* One network after another: series are flat, and identities disappear in them. *)
Definition parts (f : network) : list network := match f with Series fs => fs | Identity => [] | _ => [f] end.
Definition in_series (fs : list network) : network := match fs with [] => Identity | [f] => f | _ => Series fs end.
Definition after (f g : network) : network := in_series (parts f ++ parts g).
Infix ">>" := after (at level 55, left associativity).

Definition plain (f : network) : Prop := parts f = [f].
Definition flat (f : network) : Prop := Forall plain (parts f) /\ in_series (parts f) = f.

(* Branches of a join within a join of its kind are branches of the whole. *)
Definition alike (how k : join) : bool :=
  match how, k with Added, Added | Multiplied, Multiplied => true | Stacked i, Stacked j => Nat.eqb i j | _, _ => false end.
Definition branches_of (how : join) (f : network) : list network :=
  match f with Join k fs => if alike how k then fs else [f] | _ => [f] end.
Definition joint (how : join) (f g : network) : network := Join how (branches_of how f ++ branches_of how g).
Notation plus := (joint Added).
Notation times := (joint Multiplied).
Notation beside axis := (joint (Stacked axis)).

(* ---- Shapes -------------------------------------------------------------------------------------------------------- *)

Definition sum_list (numbers : list Z) : Z := fold_right Z.add 0 numbers.
Definition elements (s : shape) : Z := fold_right Z.mul 1 s.

(* Element by element, an axis of one position is stretched to the size that the other branches have. *)
Definition wider (m n : Z) : Z := if m =? 1 then n else m.
Fixpoint stretched (s t : shape) : shape :=
  match s, t with m :: s, n :: t => wider m n :: stretched s t | _, [] => s | [], _ => t end.

Definition size (axis : nat) (s : shape) : Z := nth axis s 0.
Definition resized (axis : nat) (n : Z) (s : shape) : shape := firstn axis s ++ n :: skipn (S axis) s.

Definition joined (how : join) (shapes : list shape) : shape :=
  match shapes with
  | [] => []
  | first :: rest =>
    match how with
    | Stacked axis => resized axis (sum_list (map (size axis) shapes)) first
    | _ => fold_left stretched rest first
    end
  end.

(* ---- Carriers, and the walk ---------------------------------------------------------------------------------------- *)

Record carrier (T : Type) := Carrier {
  of_layer : layer -> shape -> T;
  of_identity : T;
  nothing : T;
  then_ : T -> T -> T;
  of_join : join -> list (shape * T) -> T;
  named : list string -> T -> T }.
Arguments of_layer {T}. Arguments of_identity {T}. Arguments nothing {T}. Arguments then_ {T}. Arguments of_join {T}. Arguments named {T}.

(* What has come so far, and a network after it. *)
Definition onward {T} (c : carrier T) (net : shape -> shape * T) (so_far : shape * T) : shape * T :=
  let (out, v) := net (fst so_far) in (out, then_ c (snd so_far) v).

Fixpoint walk {T} (c : carrier T) (net : network) (s : shape) : shape * T :=
  match net with
  | Leaf l => (makes l s, of_layer c l s)
  | Identity => (s, of_identity c)
  | Series fs => fold_left (fun so_far f => onward c (walk c f) so_far) fs (s, nothing c)
  | Join how fs =>
      let made := map (fun f => walk c f s) fs in
      (joined how (map fst made), of_join c how made)
  | Repeat n f => Nat.iter n (onward c (walk c f)) (s, nothing c)
  | Shared names f => let (out, v) := walk c f s in (out, named c names v)
  end.

Definition value {T} (c : carrier T) (net : network) (s : shape) : T := snd (walk c net s).

(* What leaves a network, whatever is carried. *)
Definition no_value : carrier unit := Carrier unit (fun _ _ => tt) tt tt (fun _ _ => tt) (fun _ _ => tt) (fun _ _ => tt).
Definition output_shape (net : network) (s : shape) : shape := fst (walk no_value net s).

(* ---- The metrics ---------------------------------------------------------------------------------------------------- *)

Definition pairs_less (n : nat) : Z := Z.of_nat (pred n).

(* Operations of a join: one less than it has branches, for every element; activations: what is made anew. *)
Definition join_count (m : count) (how : join) (branches : list (shape * Z)) : Z :=
  let here := elements (joined how (map fst branches)) in
  match how, m with
  | Added, Adds | Multiplied, Multiplies => pairs_less (List.length branches) * here
  | Added, Activations | Multiplied, Activations => here
  | _, _ => 0
  end.

Definition counting (m : count) : carrier Z :=
  Carrier Z (fun l => counted l m) 0 0 Z.add (fun how branches => sum_list (map snd branches) + join_count m how branches) (fun _ v => v).
Definition counts (m : count) (net : network) (s : shape) : Z := value (counting m) net s.
Definition flops (net : network) (s : shape) : Z := counts Multiplies net s + counts Adds net s + counts Others net s.

(* Tensors of one's own, and those that are shared under names: of each name one counts. *)
Record weights := Weights { own : list Z; shared : list (string * Z) }.
Definition no_weights := Weights [] [].
Definition both (v w : weights) : weights := Weights (own v ++ own w) (shared v ++ shared w).
Definition share (names : list string) (v : weights) : weights :=
  Weights (skipn (List.length names) (own v)) (shared v ++ combine names (own v)).
Definition weighing : carrier weights :=
  Carrier weights (fun l s => Weights (tensors l s) []) no_weights no_weights both
    (fun _ branches => fold_right both no_weights (map snd branches)) share.

Definition among (name : string) (names : list string) : bool := existsb (String.eqb name) names.
Fixpoint once (seen : list string) (tensors : list (string * Z)) : Z :=
  match tensors with
  | [] => 0
  | (name, n) :: rest => (if among name seen then 0 else n) + once (name :: seen) rest
  end.
Definition total (v : weights) : Z := sum_list (own v) + once [] (shared v).
Definition parameters (net : network) (s : shape) : Z := total (value weighing net s).

(* The longest path, in learned maps or in layers. *)
Definition deepest (depths : list nat) : nat := fold_right Nat.max 0%nat depths.
Definition deep (m : longest) : carrier nat :=
  Carrier nat (fun l s => match m with Weighted => chain l s | Layers => 1%nat end)
    (match m with Weighted => 0%nat | Layers => 1%nat end) 0%nat Nat.add (fun _ branches => deepest (map snd branches)) (fun _ v => v).
Definition depth (m : longest) (net : network) (s : shape) : nat := value (deep m) net s.

(* Windows of windows: the affine monoid. Branches that advance alike see the hull of their windows; of others nothing is said. *)
Definition through (f g : field) : field :=
  Field (kernel f + (kernel g - 1) * jump f) (jump f * jump g) (start f + start g * jump f).
Definition point : field := Field 1 1 0.
Definition furthest (f : field) : Z := start f + kernel f - 1.
Definition hull (f g : field) : field :=
  let low := Z.min (start f) (start g) in Field (Z.max (furthest f) (furthest g) - low + 1) (jump f) low.

Definition lifted {A} (f : A -> A -> A) (v w : option A) : option A := match v, w with Some a, Some b => Some (f a b) | _, _ => None end.
Definition hull_alike (v w : option field) : option field :=
  match v, w with Some f, Some g => if jump f =? jump g then Some (hull f g) else None | _, _ => None end.
Definition join_field (axis : nat) (how : join) (branches : list (shape * option field)) : option field :=
  match branches with
  | [] => None
  | (s, v) :: rest =>
    let along := match how with Stacked k => Nat.eqb k axis | _ => false end in
    if negb along && forallb (fun branch => size axis (fst branch) =? size axis s) rest
    then fold_left hull_alike (map snd rest) v else None
  end.
Definition seeing (axis : nat) : carrier (option field) :=
  Carrier (option field) (fun l s => sees l axis s) (Some point) (Some point) (lifted through) (join_field axis) (fun _ v => v).
Definition receptive_field (axis : nat) (net : network) (s : shape) : option field := value (seeing axis) net s.
