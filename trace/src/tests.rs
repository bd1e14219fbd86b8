use super::*;
use proptest::prelude::*;

fn line(number: usize, text: &str) -> Option<Line> {
    Some(Line {
        file: "mean.smpc".into(),
        number,
        text: text.into(),
    })
}

fn part(line: Option<Line>, protocol: &str, what: &str) -> Part {
    Part {
        line,
        protocol: (!protocol.is_empty()).then(|| protocol.into()),
        what: what.into(),
    }
}

fn message(
    (phase, round): (Phase, u64),
    (from, to): (usize, usize),
    items: &[(usize, u64)],
) -> Message {
    Message {
        phase,
        round,
        from,
        to,
        bytes: items.iter().map(|(_, bytes)| bytes).sum(),
        items: items
            .iter()
            .map(|(part, bytes)| Item {
                part: *part,
                bytes: *bytes,
                values: None,
            })
            .collect(),
    }
}

/// Three parties multiply in a loop of 50 turns, two rounds each, and open the result.
fn recording() -> Recording {
    let mut messages = vec![];
    for from in 0..3 {
        messages.push(message(
            (Phase::Setup, 0),
            (from, (from + 1) % 3),
            &[(0, 16)],
        ));
    }
    messages.push(message((Phase::Offline, 0), (2, 1), &[(4, 128)]));
    for round in 0..100 {
        for from in 0..3 {
            let to = (from + 2) % 3;
            let items: &[(usize, u64)] = if round % 2 == 0 {
                &[(1, 80), (2, 8)]
            } else {
                &[(2, 400)]
            };
            messages.push(message((Phase::Online, round), (from, to), items));
        }
    }
    for to in [1, 2] {
        messages.push(message((Phase::Online, 100), (0, to), &[(3, 8)]));
    }
    Recording {
        script: "mean.smpc".into(),
        scheme: "rep3".into(),
        parties: vec!["north".into(), "south".into(), "hel<per".into()],
        rounds: 101,
        parts: vec![
            part(None, "", "key of shared coins"),
            part(line(7, "s = s * x;"), "mul", "P[i] -> P[i-1]: z[i]"),
            part(line(8, "if s < 0 & t { }"), "less_than", "P[0] -> P[1]: c"),
            part(line(10, "reveal s;"), "", "reveal"),
            part(line(7, "s = s * x;"), "triple", "T -> P[1]: c[1]"),
        ],
        messages,
    }
}

#[test]
fn a_table() {
    insta::assert_snapshot!(text(&recording(), &Filter::default()));
}

#[test]
fn a_part_of_a_table() {
    let filter = Filter {
        rounds: Some(2..=4),
        parties: vec![1],
    };
    insta::assert_snapshot!(text(&recording(), &filter));
}

#[test]
fn a_document() {
    let mut short = recording();
    short
        .messages
        .retain(|m| m.phase != Phase::Online || m.round > 97);
    let shown = serde_json::to_string_pretty(&json(&short, &Filter::default())).unwrap();
    insta::assert_snapshot!(shown);
}

#[test]
fn a_chart() {
    let chart = svg(&recording(), &Filter::default());
    roxmltree::Document::parse(&chart).unwrap();
    insta::assert_snapshot!(chart);
}

#[test]
fn a_long_chart_is_cut() {
    let mut long = recording();
    for message in &mut long.messages {
        // Nothing repeats.
        message.bytes += message.round * message.round;
    }
    long.rounds = 1000;
    let mut more = long.messages.clone();
    for message in &mut more {
        message.round += 200;
        message.bytes += 1 + message.round;
    }
    long.messages.append(&mut more);
    let chart = svg(&long, &Filter::default());
    assert!(chart.contains("more exchanges not drawn: choose rounds with --round A..B"));
    assert!(chart.matches("class=\"arrow\"").count() < 450);
}

#[test]
fn receivers_are_told_shortly() {
    let parties = ["x[0]", "x[1]", "x[2]", "y", "P[0]", "P[1]", "P[2]"];
    let to = [1, 2, 3, 4, 4, 5, 6, 6];
    let own = Recording {
        parties: parties.map(str::to_owned).to_vec(),
        messages: to
            .map(|to| message((Phase::Online, 0), (0, to), &[]))
            .to_vec(),
        ..Recording::default()
    };
    let told = text(&own, &Filter::default());
    let receivers = "x[0] -> x[1], x[2], y, P[0] ×2, P[1], P[2] ×2  0 bytes each";
    assert!(told.contains(receivers), "{told}");
    let own = Recording {
        messages: [4, 5, 6]
            .map(|to| message((Phase::Online, 0), (0, to), &[]))
            .to_vec(),
        ..own
    };
    assert!(text(&own, &Filter::default()).contains("-> P[0..3]  0"));
}

#[test]
fn totals_count_every_message() {
    let totals = recording().totals();
    let all = Total {
        messages: 102,
        bytes: 50 * 88 + 50 * 400 + 16,
        offline_bytes: 0,
        setup_bytes: 16,
    };
    assert_eq!(totals[0], all);
    assert_eq!(totals[2].offline_bytes, 128);
}

#[test]
fn values_are_shown_where_they_were_recorded() {
    let mut own = recording();
    for item in &mut own.messages[4].items {
        item.values = Some("[1, 2]".into());
    }
    let all = Filter::default();
    assert!(text(&own, &all).contains("= [1, 2]"));
    assert!(json(&own, &all).to_string().contains("[1, 2]"));
    assert!(!svg(&own, &all).contains("[1, 2]"));
}

/// The exchanges that a folded recording stands for.
fn unfolded(nodes: &[Node<'_>], into: &mut Vec<u64>) {
    for node in nodes {
        match node {
            Node::Round(round) => into.push(round.messages[0].bytes),
            Node::Times { times, body, .. } => {
                for _ in 0..*times {
                    unfolded(body, into);
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn folding_loses_nothing(lengths in prop::collection::vec(0u64..3, 0..60)) {
        let messages = lengths.iter().zip(0..).map(|(bytes, round)| {
            message((Phase::Online, round), (0, 1), &[(0, *bytes)])
        });
        let own = Recording {
            parties: vec!["a".into(), "b".into()],
            messages: messages.collect(),
            ..Recording::default()
        };
        let nodes = fold(&own, &Filter::default());
        let mut found = vec![];
        unfolded(&nodes, &mut found);
        prop_assert_eq!(found, lengths);
    }

    #[test]
    fn charts_are_xml(names in prop::collection::vec("\\PC{0,12}|[<>&\"'\u{0}-\u{9f}\u{ffff}]{1,5}", 2..6), what in ".{0,40}") {
        let own = Recording {
            script: what.clone(),
            parties: names,
            parts: vec![part(line(1, &what), &what, &what)],
            messages: vec![message((Phase::Online, 0), (0, 1), &[(0, 1)])],
            ..Recording::default()
        };
        let chart = svg(&own, &Filter::default());
        prop_assert!(roxmltree::Document::parse(&chart).is_ok(), "{}", chart);
        let _ = text(&own, &Filter::default());
    }
}
