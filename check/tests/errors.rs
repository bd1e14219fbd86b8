//! What a wrong script is told: code, message, labels and help, as text.

use smpc_check::{NoFiles, Options, check};
use smpc_grammar::Sources;
use smpc_grammar::ast::Span;

/// Every error of a script, one per line, with the marked text.
fn errors(script: &str) -> String {
    let mut sources = Sources::new();
    let root = sources.add("script", script);
    let errors = match check(&mut sources, root, &NoFiles, &Options::default()) {
        Ok(_) => return "no error".into(),
        Err(errors) => errors,
    };
    let mark = |span: Span| {
        let text = &sources.get(span.file).expect("a file").text;
        text[span.start as usize..span.end as usize].to_owned()
    };
    let mut out = vec![];
    for error in errors {
        out.push(format!(
            "{}: {} [{}]",
            error.code,
            error.message,
            mark(error.span)
        ));
        for label in &error.labels {
            out.push(format!("  {} [{}]", label.text, mark(label.span)));
        }
        if let Some(help) = &error.help {
            out.push(format!("  help: {help}"));
        }
    }
    out.join("\n")
}

macro_rules! wrong {
    ($($name:ident: $script:literal => $expected:literal;)*) => { $(
        #[test]
        fn $name() {
            let found = errors($script);
            if std::env::var("SHOW").is_ok() {
                println!("== {}\n{found}", stringify!($name));
                return;
            }
            assert_eq!(found, $expected);
        }
    )* };
}

wrong! {
    no_comprehension_is_realised: "fn one(x: int) -> int { x }
fn all<m>(x: [int; m]) -> [int; m] realises one(x) { x }
reveal 1 as one; leaks one to all;" => "T01: this is no comprehension of a call [realises one(x)]
  help: write `realises [f(x[i], y) for i in 0..m]`: another function of this file, of parameters of this one";

    realised_with_other_parameters: "fn one(x: int) -> int { x }
fn all<m>(x: [int; m], y: int) -> [int; m] realises [one(x[i]) for i in 0..m] { x }
reveal 1 as one; leaks one to all;" => "T01: each parameter of the function is one argument of the call [realises [one(x[i]) for i in 0..m]]
  help: write `realises [f(x[i], y) for i in 0..m]`: another function of this file, of parameters of this one";

    nothing_of_that_name_is_realised: "fn all<m>(x: [int; m]) -> [int; m] realises [one(x[i]) for i in 0..m] { x }
reveal 1 as one; leaks one to all;" => "N01: this file has no function `one` of 1 parameters [realises [one(x[i]) for i in 0..m]]
  help: write `realises [f(x[i], y) for i in 0..m]`: another function of this file, of parameters of this one";

    realised_without_rows: "fn one<n>(x: [int; n]) -> int { sum(x) }
fn all<m, n>(x: [int; m, n]) -> int realises [one(x[i]) for i in 0..m] { sum(sum(x)) }
party a; input x: [int; 4, 2] from a;
reveal sum(one(share x[i]) for i in 0..4) as s; leaks s to all;" => "D01: a function that realises a comprehension has a row for each index [one(share x[i])]";

    a_shuffle_in_a_comprehension: "party a; input x: [int; 4, 2] from a;
let s = [shuffle(share x[i]) for i in 0..4];
reveal s as s; leaks s to all;" => "U01: `shuffle` inside a comprehension is not executable yet [shuffle(share x[i])]
  help: write a `for` loop, whose turns come one after another; or put it into a function, and write one for all of them at once that says `realises [f(x[i]) for i in 0..m]`";

    the_same_rows_shuffled_for_each_index: "party a; input x: [int; 4] from a;
let s = share x;
let t = [shuffle(s) for i in 0..3];
reveal t as t; leaks t to all;" => "U01: `shuffle` inside a comprehension is not executable yet [shuffle(s)]
  help: write a `for` loop, whose turns come one after another; or put it into a function, and write one for all of them at once that says `realises [f(x[i]) for i in 0..m]`";

    branch_on_a_secret: "party a; input x: int from a;
let s = share x;
let big = s > 10;
let y = if big { 1 } else { 2 };
reveal y as y; leaks y to all;" => "K10: the condition of a plain `if` is secret [big]
  became secret here [share x]
  carried into `s` here [s]
  carried into `big` here [big]
  decides here [big]
  help: `if secret c { … } else { … }` runs both arms and selects: the cost of both, and one secret product per value that differs";
    branch_on_an_owned_value: "party a; input x: int from a;
let y = if x > 1 { 1 } else { 2 };
reveal y to a as y; leaks y to a;" => "K10: the condition of a plain `if` is known to a only [x > 1]
  decides here [x > 1]
  help: `if secret c { … } else { … }` runs both arms and selects: the cost of both, and one secret product per value that differs";
    secret_loop_bound: "party a; input x: int from a;
let n = share x;
let mut t = 0;
for i in 0..n { t += 1; }
reveal t as t; leaks t to all;" => "K11: the bound of this loop is secret [0..n]
  became secret here [share x]
  carried into `n` here [n]
  decides here [0..n]
  help: write `while secret c max N { … }`, or loop to a public bound";
    while_on_a_secret: "party a; input x: int from a;
let mut s = share x;
while s > 0 { s -= 1; }
reveal s as s; leaks s to all;" => "K11: the condition of this loop is secret [s > 0]
  became secret here [share x]
  carried into `s` here [s]
  decides here [s > 0]
  help: write `while secret c max N { … }`";
    secret_index: "party a; input x: [int; n] from a; input i: int from a;
let s = share x;
reveal s[share i] as v; leaks n, v to all;" => "K12: this index is secret [share i]
  became secret here [share i]
  help: write `a[secret i]`: it reads every element and costs one comparison per element";
    a_value_used_at_b: "party a, b; input x: int from a;
fn at_b(v: int @ b) -> int { v }
reveal at_b(x) as y; leaks y to all;" => "K13: a value known to b is needed here, and this is known to a only [x]
  in this call of `at_b` [at_b(x)]
  help: only `reveal` makes a value known to more parties";
    two_owners_joined: "party a, b; input x: int from a; input y: int from b;
reveal x + y as z; leaks z to all;" => "K14: this joins a value only a knows with one only b knows [x + y]
  help: write `share` before each, so that the result is secret";
    owned_with_secret: "party a, b; input x: int from a; input y: int from b;
reveal x + share y as z; leaks z to all;" => "K15: this joins a value only a knows with a secret [x + share y]
  became secret here [share y]
  help: write `share` before the value of a";
    missing_reveals: "party a; input x: int from a;
fn f(v: int) -> int { let w = reveal v; w + 1 }
reveal f(share x) as y; leaks y to all;" => "R02: `f` reveals `w` and does not say so [reveal v]
  declared here [f]
  in this call of `f` [f(share x)]
  help: add `reveals w: int to all` to its signature";
    not_in_leaks: "party a; input x: int from a;
let y = reveal share x + 1;
reveal y * 2 as z;
leaks z to all;" => "R01: `y` leaves, and `leaks` does not list it [reveal share x + 1]
  help: write `leaks y to all;`";
    no_leaks_at_all: "party a; input x: int from a;
reveal share x as y;" => "R01: `y` leaves, and `leaks` does not list it [reveal share x as y]
  help: write `leaks y to all;`";
    a_leak_that_never_happens: "party a; input x: int from a;
reveal share x as total; leaks totals to all;" => "R01: `total` leaves, and `leaks` does not list it [reveal share x as total]
  help: write `leaks total to all;`
R03: `totals` is listed, and never leaves [totals]
  help: did you mean `total`?";
    leaks_to_others: "party a, b; input x: int from a;
reveal share x to b as y; leaks y to all;" => "R04: `y` goes to b, and `leaks` says all [reveal share x to b as y]
  the contract says this [y to all]
  help: write `leaks y to b;`";
    leaks_more_often: "party a; input x: [int; n] from a;
let s = share x;
for i in 0..n { reveal s[i] as y; }
leaks n, y to all;" => "R04: `y` is revealed `for i in 0..n`, and `leaks` says once [reveal s[i] as y]
  the contract says this [n, y to all]
  help: write `leaks y to all for i in 0..n;`";
    leaks_under_another_condition: "party a; input x: [int; n] from a; param t: int = 1;
let s = share x;
for i in 0..n { if i > t { reveal s[i] as y; } }
leaks n to all, y to all when j < t for j in 0..n;" => "R04: `y` is revealed when i>t, and `leaks` says when i<t [reveal s[i] as y]
  the contract says this [y to all when j < t for j in 0..n]
  help: write `leaks y to all when i>t for i in 0..n;`";
    a_size_not_in_leaks: "party a; input x: [int; n] from a;
reveal sum(share x) as y; leaks y to all;" => "R01: `n` leaves, and `leaks` does not list it [n]
  help: write `leaks n to all;`";
    reveal_under_if_secret: "party a; input x: int from a;
let s = share x;
if secret s > 0 { reveal s as y; }
leaks y to all;" => "K17: a reveal under a secret condition would show the condition [reveal s as y]
  whether this runs is secret [s > 0]
  help: select first, then reveal: `reveal if secret c { x } else { y }`";
    public_assigned_in_a_secret_arm: "party a; input x: int from a;
let mut c: public int = 0;
if secret share x > 0 { c = 1; }
reveal c as c; leaks c to all;" => "K16: the public `c` is assigned under a secret condition [c = 1;]
  this secret would show in the variable [share x > 0]
  declared public here [c]
  help: declare it without `public`: it then becomes secret";
    inner_sizes_differ: "party a, b; input x: [fix; n, 3] from a; input w: [fix; 4] from b;
reveal share x @ share w as y; leaks n, y to all;" => "D01: the sizes 3 and 4 differ [share x @ share w]
  [n, 3] [share x]
  `x` comes from here [x]
  [4] [share w]
  `w` comes from here [w]";
    index_out_of_range: "party a; input x: [int; n] from a;
let s = share x;
reveal sum(s[i + 1] for i in 0..n) as y; leaks n, y to all;" => "D03: the index goes up to n, and the dimension has n elements [i + 1]";
    wrong_arity: "party a; input x: int from a;
fn f(a: int, b: int) -> int { a + b }
reveal f(share x) as y; leaks y to all;" => "T02: `f` does not take 1 argument [f(share x)]
  help: it is `f(a, b)`";
    unknown_name: "party a; input salary: int from a;
reveal share salry as y; leaks y to all;" => "N01: there is no name `salry` [salry]
  help: did you mean `salary`?";
    unknown_function: "party a; input x: [int; n] from a;
reveal summ(share x) as y; leaks n, y to all;" => "N01: there is no function `summ` [summ]
  help: did you mean `sum`?";
    recursion: "party a; input x: int from a;
fn f(v: int) -> int { g(v) }
fn g(v: int) -> int { f(v) + 1 }
reveal f(share x) as y; leaks y to all;" => "N03: `f` calls itself [f(v)]
  in this call of `g` [g(v)]
  in this call of `f` [f(share x)]
  help: there is no recursion: write a loop";
    size_from_data: "party a; input x: int from a;
let n = reveal share x;
reveal sum(share zeros(n)) as y; leaks n, y to all;" => "D02: this is no size: it comes from data [n]
  help: a size is a literal, a param, an input's dimension, or a sum or product of these";
    number_with_bool: "party a; input x: int from a;
reveal share x + true as y; leaks y to all;" => "T01: int and bool do not go together [share x + true]
  help: a bool becomes a number by `as int` or `as fix`";
    assigned_without_mut: "party a; input x: int from a;
let y = share x;
y = y + 1;
reveal y as y; leaks y to all;" => "N05: `y` is not assigned again [y]
  declared here [y]
  help: declare it with `let mut y`";
    several_errors_at_once: "party a, b; input x: int from a; input y: int from b;
let p = x + y;
let q = p * 2;
let r = unknown + 1;
reveal q as q; leaks q to all;" => "K14: this joins a value only a knows with one only b knows [x + y]
  help: write `share` before each, so that the result is secret
N01: there is no name `unknown` [unknown]";
    an_error_in_a_function_nobody_calls: "party a; input x: int from a;
fn f(v: fix) -> fix { v + w }
reveal share x as y; leaks y to all;" => "N01: there is no name `w` [w]";
    a_script_runs_without_its_tests: "party a;
input x: int from a;
reveal share x as y; leaks y to all;
test \"it adds\" { expect(1 + 1, 3); }" => "no error";
    what_tests_say_belongs_to_tests: "party a;
input x: int from a;
expect(x, 1);
reveal share x as y; leaks y to all;" => "T01: `expect` stands in tests only [expect]
  help: write `test \"name\" { expect(f(share 2), 4); }`, and `smpc test`";
    an_assertion_leaks_whether_it_holds: "party a; input x: fix from a;
approx g(t: fix) = exp(t) on -1..1 degree 4 outside assert;
reveal g(share x) as y; leaks y to all;" => "R01: `g_outside` leaves, and `leaks` does not list it [reveal (t < -1.0) != (t > 1.0)]
  help: write `leaks g_outside to all;`";
    a_secret_is_not_asserted: "party a; input x: fix from a;
assert(share x > 0);
reveal share x as y; leaks y to all;" => "K12: what is asserted is secret [share x > 0]
  became secret here [share x]
  decides here [share x > 0]
  help: reveal it first: everybody sees whether the run ends";
    an_assertion_that_is_known_to_fail: "party a; input x: [int; 3] from a;
fn first<n>(xs: [int; n], k: int) -> int { assert(k <= n); sum(xs[0..1]) }
reveal first(share x, 5) as y; leaks y to all;" => "D04: `k <= n` does not hold [k <= n]
  in this call of `first` [first(share x, 5)]
  help: no run could end otherwise: change what the outermost call is given";
    an_assertion_that_is_known_to_hold: "party a; input x: [int; 3] from a;
fn first<n>(xs: [int; n], k: int) -> int { assert(k <= n); sum(xs[0..1]) }
reveal first(share x, 3) as y; leaks y to all;" => "no error";
    an_assertion_in_a_loop_that_may_not_turn: "party a; input x: [int; n] from a;
for i in 0..n { assert(1 > 2); }
reveal sum(share x) as y; leaks n, y to all;" => "no error";
    an_assertion_in_a_secret_arm: "party a; input x: [int; n] from a;
let s = share x;
let y = if secret s[0] > 0 { assert(n > 2); s[0] } else { 0 };
reveal y as y; leaks n, y to all;" => "K17: an assertion under a secret condition would show the condition [assert(n > 2)]
  help: assert outside of the `if secret`";
    a_function_in_a_secret_arm_asserts_what_it_wants: "party a; input x: [int; n] from a;
fn first<n>(xs: [int; n], k: int) -> int { assert(k <= n); sum(xs[0..1]) }
let s = share x;
let y = if secret s[0] > 0 { first(s, 2) } else { 0 };
reveal y as y; leaks n, y to all;" => "no error";
    an_approximation_says_what_is_outside: "party a; input x: fix from a;
approx g(t: fix) = exp(t) on -1..1 degree 3;
reveal g(share x) as y; leaks y to all;" => "T03: what is `g` outside of its domain? [g]
  help: `outside clamp`, `outside saturate(0, 1)`, `outside extend`, `outside assert` or `outside unchecked`";
    an_error_below_that_of_the_arithmetic: "party a; input x: fix from a;
approx g(t: fix) = exp(t) on -1..1 within 0.000001 outside extend;
reveal g(share x) as y; leaks y to all;" => "A01: no polynomial of degree 64 or less is as near as this [0.000001]
  help: `within 0.000017` is reached, by degree 8: 5.8e-8 is the approximation, 1.7e-5 the arithmetic";
    a_pole_in_the_domain: "party a; input x: fix from a;
approx g(t: fix) = 1 / t on -1..1 degree 3 outside extend;
reveal g(share x) as y; leaks y to all;" => "T03: `g` has no value near 0, or none of which the error can be bounded [1 / t]
  help: leave that point out of the domain; a root may reach 0 in it only if it is `sqrt(t)`";
    what_an_approximation_computes_fits_the_ring: "party a; input x: fix from a;
approx g(t: fix) = exp(t) on 0..40 pieces 16 outside clamp;
approx h(t: fix<24>) = exp(t) on 0..40 degree 9 outside clamp;
reveal g(share x) as y; leaks y to all;" => "A02: computing `g` with 16 fraction bits takes 12 bits more than a ring of 64 has [exp(t)]
  help: approximate a smaller multiple of it, or a function of a smaller multiple of `t`, on a shorter domain, or with fewer fraction bits
A02: computing `h` with 24 fraction bits takes 20 bits more than a ring of 64 has [exp(t)]
  help: approximate a smaller multiple of it, or a function of a smaller multiple of `t`, on a shorter domain, or with fewer fraction bits";
    an_approximation_is_nearer_than_a_number: "party a; input x: fix from a;
approx g(t: fix) = sin(t) on 0..1000000 pieces 20 outside clamp;
reveal g(share x) as y; leaks y to all;" => "A02: `g` would be off by 3.1e0, and its values differ by 2.0e0: a number in its place would be nearer [sin(t)]
  help: leave out a large number that is added, take a function of a smaller multiple of `t`, a shorter domain, another degree or other fraction bits";
    as_many_pieces_as_arguments: "party a; input x: fix from a;
approx g(t: fix) = exp(t) on 0..0.0001 pieces 20 outside clamp;
reveal g(share x) as y; leaks y to all;" => "T03: the domain has 6 steps of 2^-16, fewer than pieces [0..0.0001]
  help: `pieces 6` at most";
    an_approximation_takes_fixed_point: "party a; input x: int from a;
approx g(t: int) = exp(t) on 0..1 degree 2 outside clamp;
approx h(t: fix<50>) = exp(t) on 0..1 degree 2 outside clamp;
reveal share x as y; leaks y to all;" => "T03: the parameter of an approximation is a `fix` [int]
  help: write `t: fix`, or `t: fix<24>` for up to 40 fraction bits
T03: an approximation has 1 to 40 fraction bits [fix<50>]
  help: write `t: fix`, or `t: fix<24>` for up to 40 fraction bits";
    no_formula: "party a; input x: fix from a;
approx g(t: fix) = if t > 0 { t } else { 0 } on -1..1 degree 3 outside extend;
approx h(t: fix) = t + u on 1..-1 degree 3 outside extend;
reveal g(share x) as y; leaks y to all;" => "T03: this is no formula that can be approximated [if t > 0 { t } else { 0 }]
  help: numbers, the parameter, + - * / ^ and exp, ln, log, sqrt, sin, cos, tanh, erf, derivative
T03: `u` is no part of a formula [u]
  help: a formula is made of `t`, numbers, + - * / ^ and exp, ln, log, sqrt, sin, cos, tanh, erf, derivative";
    who_draws_and_from_what: "party a, b;
let e <- uniform();
let f <- uniform() @ {a, b};
let g <- poisson(2.0) @ a;
let h <- laplace() @ b;
let i <- [poisson; 3] @ b;
reveal share 1 as y; leaks y to all;" => "T01: nobody is named who draws [<- uniform()]
  help: write `let e <- laplace(1.0) @ alice;`
K13: in a script one party draws, for itself [{a, b}]
  help: name one, share what each of several draws, and add the shares up: their sum is random to each of them
T01: scripts do not draw from this [poisson(2.0)]
  help: a party draws `uniform()`, `laplace(b)`, `gaussian(s)`, a range `0..6`, `bool`, or lists of them, `[laplace(b); n]`
T02: `laplace` takes one number [laplace()]
  help: a party draws `uniform()`, `laplace(b)`, `gaussian(s)`, a range `0..6`, `bool`, or lists of them, `[laplace(b); n]`
T01: scripts do not draw from this [poisson]
  help: a party draws `uniform()`, `laplace(b)`, `gaussian(s)`, a range `0..6`, `bool`, or lists of them, `[laplace(b); n]`";
    a_clause_of_protocols_on_a_function: "party a; input x: fix from a;
fn f(v: fix) -> fix private { v + 1 }
reveal f(share x) as y; leaks y to all;" => "T01: this clause belongs to protocols, not to functions [private]";
    a_backend_within_a_script: "party a; input x: int from a;
backend mine(k: int = 64) { int: S<Z[2^k]>; }
reveal share x as y; leaks y to all;" => "U01: a scheme within a script is not executable yet [backend mine(k: int = 64) { int: S<Z[2^k]>; }]
  help: move it to a file of its own, and run with `--scheme ./mine.smpc`";
    a_param_in_leaks: "party a; param k: int = 2; input x: [int; n] from a;
reveal sum(share x) * k as y; leaks n, k, y to all;" => "R03: `k` is listed, and never leaves [k]
  help: a param is public from the start: remove it";
    syntax_and_meaning_at_once: "party a; input x: [int; n] from a;
let s = share x;
let t = s[0] +;
reveal u as v;
reveal s[1] + as y;
leaks n, v, y to all;" => "S01: expected an expression, found `;` [;]
N01: there is no name `u` [u]
S01: expected an expression, found `as` [as]
  help: `as` is a word of the language and cannot be a name";
    a_leak_where_a_condition_does_not_hold: "party a; input x: [int; 2] from a; param n: int = 1;
let s = share x;
let f = n > 1;
if f { reveal s[0] as y; } else { reveal s[1] as z; }
leaks y to all when f, z to all when f;" => "R04: `z` is revealed when !f, and `leaks` says when f [reveal s[1] as z]
  the contract says this [z to all when f]
  help: write `leaks z to all when !f;`";
    a_list_that_does_not_parse: "party a; input x: [int; 2] from a;
let s = share x;
reveal s[0] as y;
reveal s[1] as z;
leaks y to all when not true, z to all;" => "S01: `true` does not fit here [true]
  help: `true` is a word of the language and cannot be a name";
    a_guard_that_is_no_constant: "party a[2]; input x[i]: [int; 2] from a[i]; param c: int = 1;
let mut t = 0;
for each a[i] if i < c { t += share x[i][0]; }
reveal t as t; leaks t to all;" => "U01: the guard of a loop over a family is a constant [i < c]
  help: write `if c { … }` in the loop";
    a_window_beyond_the_end: "party a; param w: int = 3; input x: [fix; n] from a;
let s = share x;
reveal [sum(s[i..i + w]) for i in 0..n] as y; leaks n, y to all;" => "D03: the index goes up to w + n - 2, and the dimension has n elements [i..i + w]
  help: if it stays in range in every run, say so before: `assert(w + n - 2 < n);`, or write this in `if w + n - 2 < n { … }`";
    a_comma_behind_a_loop: "party a, b; input x: [int; 3] from a;
for i in 0..3 { reveal share x[i] to a as part; }
reveal share x[0] as flag;
leaks part to a for i in 0..3, flag to all;" => "S01: `to` does not fit here [to]
  help: the comma before it belongs to the `for`: end the line, and write another one, `leaks … to …;`";
    a_comma_behind_a_party: "party a, b; input v: int from a;
reveal share v to a as x; reveal share v to b as y; reveal share v + 1 to b as z;
leaks x to a, y, z to b;" => "R01: `y` leaves, and `leaks` does not list it [reveal share v to b as y]
  help: write `leaks y to b;`
N01: there is no party `y` [y]
  help: a list of parties goes on behind a comma: end the line, and write another one, `leaks y to …;`";
    no_member_count: "party p[n]; input x[i]: int from p[i];
reveal sum(share x[i] for p[i]) as y; leaks y to all;" => "D02: how many members `p` has is not known [n]
  help: provide input folders `p[0]`, `p[1]`, …, or `--set n=3`";
}

/// The `else` of `if f` happens when f does not, however that is written.
#[test]
fn a_negated_condition_needs_no_brackets() {
    for condition in ["!f", "!(f)", "! f"] {
        let script = format!(
            "party a; input x: [int; 2] from a; param n: int = 1;
let s = share x;
let f = n > 1;
if f {{ reveal s[0] as y; }} else {{ reveal s[1] as z; }}
leaks y to all when f, z to all when {condition};"
        );
        assert_eq!(errors(&script), "no error", "{condition}");
    }
}
