//! A recording for machines.

use crate::fold::{Node, fold};
use crate::{Filter, Item, Message, Recording};
use serde_json::{Map, Value, json};

/// Totals by party, and the exchanges with what repeats told once.
pub fn json(recording: &Recording, filter: &Filter) -> Value {
    let totals: Map<String, Value> = recording
        .parties
        .iter()
        .zip(recording.totals())
        .map(|(party, total)| {
            let value = json!({
                "messages": total.messages,
                "bytes": total.bytes,
                "offline_bytes": total.offline_bytes,
                "setup_bytes": total.setup_bytes,
            });
            (party.clone(), value)
        })
        .collect();
    let nodes = fold(recording, filter);
    json!({
        "script": recording.script,
        "scheme": recording.scheme,
        "parties": recording.parties,
        "rounds": recording.rounds,
        "sent": totals,
        "exchanges": nodes.iter().map(|n| node(recording, n)).collect::<Value>(),
    })
}

fn node(recording: &Recording, own: &Node<'_>) -> Value {
    match own {
        Node::Round(round) => json!({
            "phase": round.phase.name(),
            "number": round.number + 1,
            "messages": round.messages.iter().map(|m| message(recording, m)).collect::<Value>(),
        }),
        Node::Times { times, last, body } => json!({
            "times": times,
            "last": last + 1,
            "exchanges": body.iter().map(|n| node(recording, n)).collect::<Value>(),
        }),
    }
}

fn message(recording: &Recording, own: &Message) -> Value {
    json!({
        "from": recording.party(own.from),
        "to": recording.party(own.to),
        "bytes": own.bytes,
        "contents": own.items.iter().map(|i| item(recording, i)).collect::<Value>(),
    })
}

fn item(recording: &Recording, own: &Item) -> Value {
    let part = recording.part(own);
    let mut value = json!({
        "file": part.line.as_ref().map(|line| &line.file),
        "line": part.line.as_ref().map(|line| line.number),
        "protocol": part.protocol,
        "what": part.what,
        "bytes": own.bytes,
    });
    if let Some(values) = &own.values {
        value["values"] = json!(values);
    }
    value
}
