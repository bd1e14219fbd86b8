//! `smpc keygen`: keys and certificates for tests.

use crate::Answer;
use crate::args::Keygen;
use crate::problem::{Exit, Failure, Problem};
use serde_json::json;
use smpc_runtime::net::keygen::{Span, write};
use smpc_runtime::party::prepared::create_key;

/// Port of the first party if none is given.
const PORT: u16 = 7001;

/// Writes a key, a certificate and a storage key for each name, and the file of peers.
///
/// # Errors
/// A file is there already, or cannot be written.
pub fn keygen(args: &Keygen) -> Result<Answer, Failure> {
    let mut parties: Vec<(String, String)> = Vec::new();
    for (name, port) in args.names.iter().zip(args.port.unwrap_or(PORT)..) {
        // `NAME=HOST:PORT`, or the next port of this machine.
        let (name, address) = match name.split_once('=') {
            Some((name, address)) => (name.to_owned(), address.to_owned()),
            None => (name.clone(), format!("127.0.0.1:{port}")),
        };
        if parties.iter().any(|(known, _)| *known == name) {
            let problem = Problem::plain("I40", format!("party `{name}` is named twice"));
            return Err(Failure::one(Exit::Usage, problem));
        }
        parties.push((name, address));
    }
    write(&args.output, &parties, Span::days(args.days)).map_err(|error| {
        let problem = Problem::plain(error.code(), error.message());
        Failure::one(Exit::Usage, problem)
    })?;
    for (name, _) in &parties {
        create_key(&args.output.join(format!("{name}.store"))).map_err(|failure| {
            Failure::one(Exit::Usage, Problem::plain(failure.code, failure.message))
        })?;
    }
    let folder = args.output.display();
    let names: Vec<&str> = parties.iter().map(|(name, _)| name.as_str()).collect();
    Ok(Answer {
        exit: 0,
        text: format!(
            "wrote keys and certificates of {} to {folder}, and {folder}/peers.toml\n\
             They are for tests: whoever made them has every party's key.\n",
            names.join(", ")
        ),
        json: json!({ "folder": folder.to_string(), "parties": names }),
    })
}
