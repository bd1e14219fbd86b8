//! `smpc keygen`: keys and certificates, of one party or of all for tests.

use crate::Answer;
use crate::args::Keygen;
use crate::problem::{Exit, Failure, Problem};
use serde_json::json;
use smpc_runtime::net::keygen::{Span, write};

/// Port of the first party if none is given.
const PORT: u16 = 7001;

/// Writes a key, a certificate and a storage key for each name, and the file of peers: all files or none.
///
/// # Errors
/// A name or an address is none, a file is there already, or cannot be written.
pub fn keygen(args: &Keygen) -> Result<Answer, Failure> {
    let usage = |message: &str| Failure::one(Exit::Usage, Problem::plain("I40", message));
    let first = u32::from(args.port.unwrap_or(PORT));
    let mut parties: Vec<(String, String)> = Vec::new();
    let mut local = false;
    for (name, port) in args.names.iter().zip(first..) {
        // `NAME=HOST:PORT`, or the next port of this machine.
        parties.push(match name.split_once('=') {
            Some((name, address)) => (name.to_owned(), address.to_owned()),
            None if port > u32::from(u16::MAX) => {
                let message =
                    format!("there is no port {port} for {name}: begin with a lower `--port`");
                return Err(usage(&message));
            }
            None => {
                local = true;
                (name.clone(), format!("127.0.0.1:{port}"))
            }
        });
    }
    let folder = args.output.display();
    if args.output.join("peers.toml").exists() {
        let message = format!("{folder}/peers.toml is there already, and nothing is overwritten");
        let problem = Problem::plain("I40", message).help(
            "name all parties in one command, or give another folder and put the entries together by hand",
        );
        return Err(Failure::one(Exit::Usage, problem));
    }
    write(&args.output, &parties, Span::days(args.days)).map_err(|error| usage(error.message()))?;
    let names: Vec<&str> = parties.iter().map(|(name, _)| name.as_str()).collect();
    let mut text = match names.as_slice() {
        [name] => format!(
            "wrote the keys and the certificate of {name} to {folder}, and the entry of {name} to {folder}/peers.toml\n\
             Hand out {name}.pem and the entry; {name}.key and {name}.store are for {name} alone.\n"
        ),
        names => format!(
            "wrote keys and certificates of {} to {folder}, and {folder}/peers.toml\n\
             They are for tests: whoever made them has every party's key.\n",
            names.join(", ")
        ),
    };
    if local {
        text.push_str("Addresses are of this machine; NAME=HOST:PORT gives another.\n");
    }
    Ok(Answer {
        exit: 0,
        text,
        json: json!({ "folder": folder.to_string(), "parties": names }),
    })
}
