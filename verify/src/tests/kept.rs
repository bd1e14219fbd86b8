//! What is to be kept from a coalition beside inputs: the order of a shuffle's rows, and keys.

use super::literature::{additive, found, leaks_to};
use crate::*;
use smpc_grammar::Sources;
use smpc_ir::flat::Protocols;
use smpc_protocol::Library;

/// A shuffle of two parties with a dealer: who learns the order of its rows.
fn shuffled(body: &str) -> Vec<String> {
    let text = additive(&format!(
        "protocol shuffle<m>(x: [A<R>; m]) -> z: [A<R>; m] ensures z == x[pi] for some pi in perm(m) private {{\n\
         {body} }}\n"
    ));
    let row = found(&text, 2, "shuffle");
    let (_, report, problem) = &row;
    assert_eq!(report.correct.word(), "proved", "{body}");
    for (set, verdict) in &report.privacy {
        let name = problem.set_name(*set);
        match verdict {
            Verdict::Leaks(leak) => assert_eq!(leak.told, Told::Order, "{body} {name}"),
            _ => assert_eq!(verdict.word(), "proved", "{body} {name}: {verdict:?}"),
        }
    }
    leaks_to(&row)
}

#[test]
fn a_shuffle_hides_the_order_of_its_rows_from_everybody() {
    let everybody = ["{P[0]}", "{P[1]}", "{T}"];
    assert_eq!(shuffled("z = x;"), everybody);
    // Who draws the one order, or can tell it, knows it.
    let pass = |order: &str| {
        format!("let pi <- perm(m) @ {order}; for each P[i] {{ z.[i] = x.[i][pi]; }}")
    };
    assert_eq!(shuffled(&pass("P")), ["{P[0]}", "{P[1]}"]);
    assert_eq!(shuffled(&pass("{P[0], P[1], T}")), everybody);
    // There and back is no order.
    let back =
        "let pi <- perm(m) @ {P[0], P[1], T}; for each P[i] { z.[i] = x.[i][pi][inverse(pi)]; }";
    assert_eq!(shuffled(back), everybody);
    // Two passes by the parties and the dealer's masks: the dealer knows both orders, until the parties agree on a third.
    let passes = "for i in 0..2 { let pi[i] <- perm(m) @ {P[i], T};\n\
                  for each P[j] if j != i { let a[i,j], b[i,j] <- [R; m] @ {P[j], T};\n\
                  let u[i,j] = y[i].[j] - a[i,j]; P[j] -> P[i]: u[i,j]; y[i+1].[j] = b[i,j]; }\n\
                  let d[i] = sum(a[i,j] for P[j] if j != i)[pi[i]] - sum(b[i,j] for P[j] if j != i); T -> P[i]: d[i];\n\
                  y[i+1].[i] = (y[i].[i] + sum(u[i,j] for P[j] if j != i))[pi[i]] + d[i]; } z = y[2];";
    assert_eq!(shuffled(&format!("let y[0] = x; {passes}")), ["{T}"]);
    let first = "let rho <- perm(m) @ P; let y[0] = x[rho];";
    assert!(shuffled(&format!("{first} {passes}")).is_empty());
    let wider = first.replace("@ P;", "@ {P[0], P[1], T};");
    assert_eq!(shuffled(&format!("{wider} {passes}")), ["{T}"]);
}

/// The verdicts on privacy of the operations of SPDZ with a change of its text, in the field of so many elements.
fn spdz(from: &str, to: &str) -> Vec<(String, Vec<Verdict>)> {
    let text = include_str!("../../../stdlib/schemes/spdz.smpc");
    assert!(text.contains(from));
    let text = text.replacen(from, to, 1);
    let bound = |p: i128| {
        let mut sources = Sources::default();
        let mut library = Library::standard(&mut sources);
        let file = sources.add("mine.smpc", &text);
        let errors = library.add(file, &text);
        assert!(errors.is_empty(), "{errors:?}");
        let name = library.only_backend(file).unwrap();
        let bound = library.bind(&name, &[("p".to_owned(), p)], None);
        bound.unwrap_or_else(|e| panic!("{e:?}"))
    };
    let (full, small) = (bound((1 << 61) - 1), bound(3));
    let small: [&dyn Protocols; 1] = [&small];
    let limits = Limits {
        runs: 1_000,
        ..Limits::default()
    };
    let all = problems(&full, &small).into_iter();
    let wanted = ["share from P[0]", "reveal to all", "mul"];
    all.filter(|(title, ..)| wanted.contains(&title.as_str()))
        .map(|(title, problem, rings)| {
            let mut proofs = eliminate::Proofs::default();
            let verdicts = problem
                .coalitions()
                .into_iter()
                .map(|set| decide_privacy(&problem, &rings, set, &limits, &mut proofs).unwrap());
            (title, verdicts.collect())
        })
        .collect()
}

#[test]
fn a_key_that_is_told_leaks_though_no_input_does() {
    let opened = "for each P[i] { let q[i] = alpha[i] * 1; P[i] -> P: q[i]; }\n\
                  check sum(q[i] for P[i]) == sum(q[i] for P[i]) else abort;";
    for (_, verdicts) in spdz("D broadcasts e;", "D broadcasts e;") {
        assert!(
            verdicts.iter().all(|v| v.word() == "proved"),
            "{verdicts:?}"
        );
    }
    // The sharing of an input tells it: by enumeration.
    for (title, verdicts) in spdz("D broadcasts e;", &format!("D broadcasts e; {opened}")) {
        for verdict in &verdicts {
            match verdict {
                Verdict::Leaks(leak) if title == "share from P[0]" => {
                    assert_eq!(leak.told, Told::Key)
                }
                _ => assert!(
                    title != "share from P[0]" && verdict.word() == "proved",
                    "{title}: {verdict:?}"
                ),
            }
        }
    }
    // The check does, behind all that it checks: nobody says that this is private.
    let check = "check sum(s[i] for P[i]) == 0 else abort;";
    for (title, verdicts) in spdz(check, &format!("{check} {opened}")) {
        for verdict in &verdicts {
            let private = ["proved", "exhausted"].contains(&verdict.word());
            assert_eq!(private, title == "share from P[0]", "{title}: {verdict:?}");
        }
    }
}
