(* Networks with numbers: layers that are tables, and everything that the metrics say of a network, for comparison with an engine. *)

From Coq Require Import ZArith List String Bool.
Require Import definitions.
Import ListNotations.
Open Scope Z_scope.

(* What a layer is worth at one shape: what it makes, the elements of its tensors, its counts, its depth, and its window along each axis. *)
Record row := Row {
  made : shape; elements_of : list Z; counts_of : list Z; chain_of : nat; windows : list (option field) }.

Definition place (m : count) : nat :=
  match m with Macs => 0 | Multiplies => 1 | Adds => 2 | Others => 3 | Activations => 4 end%nat.

Definition same_shape (s t : shape) : bool := if list_eq_dec Z.eq_dec s t then true else false.
Definition row_of (table : list (shape * row)) (s : shape) : row :=
  match find (fun entry => same_shape (fst entry) s) table with Some entry => snd entry | None => Row [] [] [] 0 [] end.

Definition tabled (table : list (shape * row)) : network :=
  let at_ s := row_of table s in
  Leaf (Layer (fun s => made (at_ s)) (fun s => elements_of (at_ s)) (fun m s => nth (place m) (counts_of (at_ s)) 0)
    (fun s => chain_of (at_ s)) (fun axis s => nth axis (windows (at_ s)) None)).

Definition of_field (v : option field) : list Z := match v with Some f => [kernel f; jump f; start f] | None => [] end.

Definition told (net : network) (s : shape) : list (list Z) :=
  [output_shape net s; [parameters net s];
   map (fun m => counts m net s) [Macs; Multiplies; Adds; Others; Activations];
   [Z.of_nat (depth Weighted net s); Z.of_nat (depth Layers net s)]]
  ++ map (fun axis => of_field (receptive_field axis net s)) (seq 0 (List.length s)).
