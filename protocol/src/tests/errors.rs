//! Errors: the code and the text at fault; what a scheme lacks.

use super::{BIT, Coins, RING, apply, as_ring, flat};
use crate::Library;
use smpc_grammar::Sources;
use smpc_ir::flat::{Owner, Protocols, TruncMode, Want};
use smpc_ir::party::Elem;

/// Three parties, replicated, with nothing but what a test adds.
const HEAD: &str = "
backend mine(k: int = 64) { int, fix<f>: S<Z[2^k]>; bool, bits<m>: S<Bits[m]>; }
scheme S<R: Ring> {
    parties P[3];
    dealer T;
    corrupt 1 of P semihonest;
    share x = x[0] + x[1] + x[2];
    P[i] holds x[i], x[i+1];
}
protocol mul(x, y: S<R>) -> z: S<R> bilinear {
    for each P[i] {
        let r[i] <- R @ {P[i], P[i+1]};
        z[i] = x[i]*y[i] + x[i]*y[i+1] + x[i+1]*y[i] + r[i] - r[i-1];
        P[i] -> P[i-1]: z[i];
    }
}
";

/// The errors of a file made of [`HEAD`] and more: codes, with the text at fault.
fn errors(more: &str) -> Vec<(&'static str, String)> {
    let text = format!("{HEAD}{more}");
    let mut sources = Sources::new();
    let mut library = Library::standard(&mut sources);
    let file = sources.add("mine.smpc", &text);
    assert_eq!(library.add(file, &text), []);
    assert_eq!(library.only_backend(file).as_deref(), Some("mine"));
    let found = library.check_file(file);
    for error in &found {
        assert!(
            error.code == "U01" || crate::explain(error.code).is_some(),
            "{} has no page",
            error.code
        );
    }
    let at =
        |e: &smpc_grammar::Diagnostic| text[e.span.start as usize..e.span.end as usize].to_owned();
    found.iter().map(|e| (e.code, at(e))).collect()
}

#[track_caller]
fn expect(more: &str, expected: &[(&str, &str)]) {
    let found = errors(more);
    let found: Vec<(&str, &str)> = found.iter().map(|(c, t)| (*c, t.as_str())).collect();
    assert_eq!(found, expected, "{more}");
}

#[test]
fn corrupt_clauses_speak_of_parties_roles_and_modes() {
    let scheme = |clause: &str| {
        format!(
            "scheme Two<R: Ring> {{
                parties Q[3];
                dealer T;
                {clause}
                share x = x[0] + x[1] + x[2];
                Q[i] holds x[i];
            }}"
        )
    };
    for right in [
        "corrupt 1 of Q semihonest;",
        "corrupt 2 of Q and T malicious, abort;",
    ] {
        expect(&scheme(right), &[]);
    }
    let read = |text: &str| {
        let mut sources = Sources::new();
        let mut library = Library::standard(&mut sources);
        let file = sources.add("mine.smpc", text);
        let found = library.add(file, text).into_iter();
        let at = |e: &smpc_grammar::Diagnostic| {
            text[e.span.start as usize..e.span.end as usize].to_owned()
        };
        found.map(|e| (e.code, at(&e))).collect::<Vec<_>>()
    };
    for (wrong, at) in [
        ("corrupt 1 of q semihonest;", "q"),
        ("corrupt 1 of Q semihonst;", "semihonst"),
        ("corrupt 1 of Q and S semihonest;", "S"),
        ("corrupt 1 of Q malicious, abrot;", "abrot"),
    ] {
        assert_eq!(read(&scheme(wrong)), [("P04", at.to_owned())]);
    }
}

#[test]
fn operands_and_results_have_names_of_their_own() {
    expect(
        "protocol p(x, x: S<R>) -> z: S<R> { z = x; }",
        &[("K06", "x")],
    );
    expect(
        "protocol p(x: S<R>) -> z, z: S<R> { z = x; }",
        &[("K06", "z")],
    );
}

#[test]
fn public_numbers_are_at_nobody() {
    for operand in ["int @ P[0]", "[int; 4]", "[R @ P[0]; 4] @ P[1]"] {
        let text = format!("protocol p(x: S<R>, n: {operand}) -> z: S<R> {{ z = x; }}");
        expect(&text, &[("P05", operand)]);
    }
}

#[test]
fn a_product_of_one_ring_meets_no_summand_of_another() {
    let text = |sum: &str| {
        format!(
            "protocol p(x: R @ P[0]) -> v: R @ P[0] {{ let b <- Bits[48] @ P[0]; let r = ring(b); let m = {sum}; v = m as R; }}"
        )
    };
    for sum in ["x*x + r", "r + x*x", "x + r", "x*r"] {
        let found = errors(&text(sum));
        assert_eq!(found.first().map(|e| e.0), Some("P01"), "{sum}: {found:?}");
    }
}

#[test]
fn what_functions_declare_is_not_a_protocols_to_declare() {
    expect(
        "protocol p(x: S<R>) -> v: R @ P ensures v == x reveals v: int to all private {
            for each P[i] { P[i] -> P[i+1]: x[i]; }
            v = x[0] + x[1] + x[2];
        }",
        &[("P09", "reveals v: int to all")],
    );
}

#[test]
fn sound_protocols_have_no_errors() {
    expect("", &[]);
    expect("protocol twice(x: S<R>) -> z: S<R> { z = x + x; }", &[]);
    expect("protocol one(x: S<R>) -> z: S<R> { z = 1 - 2*x; }", &[]);
}

#[test]
fn bits_out_of_range() {
    for wrong in [
        "x.bits[0..k+1]",
        "x.bits[0..4, 0]",
        "x.bits[0..4, 0-1]",
        "x.bits[0, 2]",
        "x.bits[0..4, 2, 2]",
    ] {
        let more = format!("protocol p(x: S<Bits[k]>) -> z: S<Bits[2]> {{ z = {wrong}; }}");
        expect(&more, &[("P05", wrong)]);
    }
}

#[test]
fn knowledge_errors() {
    expect(
        "protocol p(x: S<R>) -> v: R @ P[0] { v = x[1] * x[2] * x[0]; }",
        &[("K01", "x[1] * x[2] * x[0]")],
    );
    expect(
        "protocol p(x: S<R>) -> v: R @ P[0] { P[0] -> P[1]: x[2]; v = x[0]; }",
        &[("K02", "P[0]")],
    );
    expect(
        "protocol q(u: R @ {P[0], P[1]}) -> v: R @ P[0] { v = u; }
         protocol p(x: S<R>) -> v: R @ P[0] { let w = q(x[0]); v = x[0]; }",
        &[("K03", "q(x[0])")],
    );
    expect(
        "protocol p(x: S<R>) -> z: S<R> { let c <- R @ P[0]; z = x + c; }",
        &[("K03", "x + c")],
    );
    expect(
        "protocol p<D: party>(v: R @ D) -> x: S<R> {
             x[0] <- R @ {D, P[2], P[0]}; x[1] <- R @ {D, P[0], P[1]}; x[2] = v - x[0] - x[1];
             D -> P[1]: x[2];
         }",
        &[("K04", "x")],
    );
    expect(
        "protocol p(x: S<R>) -> v: R @ P { v = x[0] + x[1]; }",
        &[("K04", "v")],
    );
    expect(
        "protocol p(x: S<R>) -> z: S<R> { z[0] = x[0]; z[2] = x[2]; }",
        &[("K05", "z")],
    );
    expect(
        "protocol p(x: S<R>) -> z: S<R> { z[0] = x[0]; z[0] = x[0]; z[1] = x[1]; z[2] = x[2]; }",
        &[("K06", "z[0]")],
    );
    expect(
        "protocol p(x: S<R>) -> v: R @ P[0] { let c <- R @ P[1]; v = x[0]; let d <- R; }",
        &[("K08", "<- R")],
    );
    expect(
        "protocol p(x: S<R>) -> v: R @ P[0] {
             let c <- R @ {T, P[1]}; P[0] -> T: x[0]; let u = x[0] + c; T -> P[0]: u; v = u;
         }",
        &[("K09", "T -> P[0]: u;")],
    );
    // What the dealer may know of components beforehand is for the scheme to say.
    let text = format!(
        "{HEAD}protocol p(x: S<R>) -> v: R @ P[0] {{ let c <- R @ {{T, P[1]}}; P[0] -> T: x[0]; let u = x[0] + c; T -> P[0]: u; v = u; }}"
    );
    let mut sources = Sources::new();
    let mut library = Library::standard(&mut sources);
    let file = sources.add("mine.smpc", &text);
    library.add(file, &text);
    let help = library.check_file(file).into_iter().find_map(|e| e.help);
    assert!(help.is_some_and(|help| help.contains("`T holds offline")));
}

#[test]
fn share_times_share_inside_mul() {
    let text = HEAD.replace(
        "z[i] = x[i]*y[i] + x[i]*y[i+1] + x[i+1]*y[i] + r[i] - r[i-1];",
        "z = x * y;",
    );
    let text = text.replace("P[i] -> P[i-1]: z[i];", "");
    let mut sources = Sources::new();
    let mut library = Library::standard(&mut sources);
    let file = sources.add("mine.smpc", &text);
    library.add(file, &text);
    let codes: Vec<_> = library.check_file(file).iter().map(|e| e.code).collect();
    assert_eq!(codes, ["K07"]);
}

#[test]
fn other_errors() {
    expect(
        "protocol p(x: S<Z[2^k]>, b: S<Bits[1]>) -> z: S<Z[2^k]> { z = x + b; }",
        &[("P01", "b")],
    );
    expect(
        "protocol p(x, y: S<R>) -> z: S<R> bilinear { let u = x + 1; z = u * y; }",
        &[("P02", "x + 1")],
    );
    expect(
        "protocol p(x, y: S<R>) -> z: S<R> bilinear { z = x + y; }",
        &[("P02", "x + y")],
    );
    expect(
        "protocol p(x: S<R>) -> z: S<R> { z = nonsense(x); }",
        &[("P04", "nonsense(x)")],
    );
    expect("protocol p(x: S<R>) -> z: S<R> { z = y; }", &[("P04", "y")]);
    expect(
        "protocol p(x: S<R>) -> z: S<R> { z = mul(x); }",
        &[("P03", "mul(x)")],
    );
    expect(
        "protocol p(x: S<R>) -> z: S<R> { z = p(x); }",
        &[("P07", "p(x)")],
    );
    expect(
        "protocol p(x: S<R>) -> v: R @ P[0] { v = x[0]; agree v @ {P[0], P[1]}; }",
        &[("K02", "{P[0], P[1]}")],
    );
    expect(
        "protocol p(x: S<R>) -> z: S<R> { z = q; }
         protocol r(x: S<R>) -> z: S<R> { z = q; P[0] -> P[1]: z[0]; }",
        &[("P04", "q"), ("P04", "q")],
    );
}

/// What parties do because one of them may lie is checked like any message.
#[test]
fn checks_between_parties() {
    expect(
        "protocol p(x: S<R>) -> v: R @ {P[0], P[2]} {
             v = x[0];
             P[0], P[2] -> P[1]: v;
             agree v @ P;
             check v == 0 else abort;
             P[0] broadcasts v;
             P[2] commits v;
             P[2] decommits v;
         }",
        &[],
    );
    expect(
        "protocol p(x: S<R>) -> v: R @ P[0] { v = x[0]; P[0], P[1] -> P[2]: v; }",
        &[("K02", "P[1]")],
    );
    expect(
        "protocol p(x: S<R>) -> v: R @ P[0] { v = x[0]; P[1] broadcasts v; }",
        &[("K02", "P[1]")],
    );
    expect(
        "protocol p(x: S<R>) -> v: R @ P[0] { v = x[0]; P[0] decommits v; }",
        &[("P05", "P[0] decommits v;")],
    );
    expect(
        "protocol p(x: S<R>) -> v: R @ P[0] { v = x[0]; check v < 0 else abort; }",
        &[("P05", "v < 0")],
    );
    expect(
        "protocol p(x: S<R>) -> v: R @ P[0] { v = x[0]; check x == 0 else abort; }",
        &[("P05", "x == 0")],
    );
    expect(
        "protocol p(x: S<R>) -> v: R @ P[0] { v = x[0]; q(x); }
         deferred protocol q<m>(x: [S<R>; m]) -> y: R @ P[0] { y <- R @ P[0]; }",
        &[("P05", "q")],
    );
    expect(
        "protocol p(x: S<R>) -> z: S<R> { z = x; q(x); }
         deferred protocol q<m>(x: [S<R>; m]) {
             let s = sum(x[j].[0] + x[j].[1] for j in 0..m);
             check s == 0 else abort;
         }",
        &[],
    );
}

#[test]
fn a_deferred_protocol_does_not_wait_for_itself() {
    expect(
        "protocol p(x: S<R>) -> z: S<R> { z = x; q(x); }
         deferred protocol q<m>(x: [S<R>; m]) { w(x); }
         deferred protocol w<m>(x: [S<R>; m]) { q(x); }",
        &[("P07", "w(x)"), ("P07", "q(x)")],
    );
}

#[test]
fn claims_speak_of_what_there_is() {
    expect(
        "protocol p(x: S<R>) -> z: S<R> requires -2^(k-2) <= x < 2^(k-2)
             ensures z == (x >> 1) + e for e in 0..=1 except (abs(x) + 1) / 2^k
         { z = x; }",
        &[],
    );
    expect(
        "protocol p(x: S<R>) -> z: S<R> requires fresh y ensures z == w + e for e in 0..=u
             except absolute(x)
         { z = x; }",
        &[
            ("P04", "y"),
            ("P04", "w"),
            ("P04", "u"),
            ("P04", "absolute"),
        ],
    );
}

#[test]
fn binding_errors() {
    let mut sources = Sources::new();
    let library = Library::standard(&mut sources);
    let code = |name: &str, args: &[(String, i128)], trunc| {
        library
            .bind(name, args, trunc)
            .map(drop)
            .map_err(|e| (e[0].code, e[0].help.clone()))
    };
    let (unknown, help) = code("rep33", &[], None).unwrap_err();
    assert_eq!(
        (unknown, help.as_deref()),
        ("N40", Some("did you mean `rep3`?"))
    );
    assert_eq!(code("rep3", &[("n".into(), 4)], None).unwrap_err().0, "N41");
    assert_eq!(code("rep3", &[], Some("sloppy")).unwrap_err().0, "N42");
    assert_eq!(
        code("rep3", &[("k".into(), 1000)], None).unwrap_err().0,
        "N43"
    );
    assert_eq!(
        code("additive", &[("n".into(), -1)], None).unwrap_err().0,
        "N43"
    );
    for k in [8, 32, 63, 64, 128] {
        let bound = library
            .bind("rep3", &[("k".into(), k)], Some("exact"))
            .unwrap();
        assert_eq!(i128::from(bound.ring_bits()), k);
        assert_eq!(bound.trunc_mode(), TruncMode::Exact);
        flat(&bound, Want::LessThan(Elem::Ring(k as u8)));
        flat(&bound, Want::Trunc(Elem::Ring(k as u8), TruncMode::Exact));
    }
}

#[test]
fn what_a_scheme_lacks_is_named_or_filled() {
    let mut sources = Sources::new();
    let mut library = Library::standard(&mut sources);
    let file = sources.add("mine.smpc", HEAD);
    library.add(file, HEAD);
    let bound = library.bind("mine", &[], None).unwrap();
    let missing = bound
        .protocol(Want::Share(RING, Owner::Outside))
        .unwrap_err();
    assert!(
        missing.0.contains("protocol share<D: party>"),
        "{}",
        missing.0
    );
    let missing = bound.protocol(Want::LessThan(RING)).unwrap_err();
    assert!(missing.0.contains("to_bits"), "{}", missing.0);

    let more = "
        protocol share<i>(v: R @ P[i]) -> x: S<R> {
            x[i] <- R @ {P[i-1], P[i]}; x[i+1] = v - x[i]; x[i+2] = 0; P[i] -> P[i+1]: x[i+1];
        }
        protocol to_bits(x: S<Z[2^k]>) -> b: S<Bits[k]> {
            let (u, w) = (share(bits(x[0] + x[1])), S(0, 0, bits(x[2])));
            let (g, _) = scan((u * w, u + w), (lo, hi) => (hi.0 + hi.1*lo.0, hi.1*lo.1));
            b = u + w + (g << 1);
        }";
    let text = format!("{HEAD}{more}");
    let file = sources.add("mine.smpc", &text);
    library.add(file, &text);
    assert_eq!(library.check_file(file), []);
    let bound = library.bind("mine", &[], None).unwrap();
    let mut coins = Coins(7);
    for (x, y) in [
        (3i64, 5i64),
        (5, 3),
        (-2, 1),
        (7, 7),
        (0, 0),
        (i64::MIN / 2, 9),
        (i64::MIN, i64::MAX),
        (i64::MAX, i64::MIN),
        (0, i64::MIN),
    ] {
        let args = [(RING, as_ring(x)), (RING, as_ring(y))];
        assert_eq!(
            apply(&bound, Want::LessThan(RING), &args, BIT, &mut coins) == 1,
            x < y
        );
        assert_eq!(
            apply(&bound, Want::Equal(RING), &args, BIT, &mut coins) == 1,
            x == y
        );
    }
}

#[test]
fn hostile_numbers_are_errors() {
    for body in [
        "for i in 0..4000 { for j in 0..4000 { let c[i,j] <- R @ P[0]; } } z = x;",
        "for i in 0..100000000000000000000000000000000000000 { let c[i] <- R @ P[0]; } z = x;",
        "let a = bits(x[0])[170141183460469231731687303715884105727]; z = x;",
        "let a[1 / 0] = x[0]; z = x;",
        "let a[2^126 * 2^126] = x[0]; z = x;",
        "for i in 0..=170141183460469231731687303715884105727 { let c[i] <- R @ P[0]; } z = x;",
        "let u <- Z[2^200] @ P[0]; z = x;",
        "let u <- Bits[0] @ P[0]; z = x;",
    ] {
        let found = errors(&format!("protocol p(x: S<R>) -> z: S<R> {{ {body} }}"));
        assert!(!found.is_empty(), "{body}");
    }
    let calls: String = (0..20)
        .map(|i| {
            format!(
                "protocol p{i}(x: S<R>) -> z: S<R> {{ z = p{}(x) + p{}(x + x); }}",
                i + 1,
                i + 1
            )
        })
        .collect();
    let found = errors(&format!(
        "{calls} protocol p20(x: S<R>) -> z: S<R> {{ z = x * x; }}"
    ));
    assert!(found.iter().any(|(code, _)| *code == "P08"), "{found:?}");
}

#[test]
fn a_file_of_schemes_needs_a_backend() {
    let text = HEAD.lines().skip(2).collect::<Vec<_>>().join("\n");
    let mut sources = Sources::new();
    let mut library = Library::standard(&mut sources);
    let file = sources.add("mine.smpc", &text);
    library.add(file, &text);
    let codes: Vec<_> = library.check_file(file).iter().map(|e| e.code).collect();
    assert_eq!(codes, ["P06"]);
}
