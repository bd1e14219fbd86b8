//! Outputs and accounts as text.

use std::fmt::Write as _;

use smpc_ir::party::OutputInfo;
use smpc_ir::share::Type;

use crate::endpoint::Account;
use crate::show;
use crate::tensor::Tensor;

/// What a party was handed, each value with the name it has in the program; `raw`: as integers.
pub(super) fn outputs(
    text: &mut String,
    party: &str,
    infos: &[OutputInfo<'_>],
    outputs: &[(&'static str, Vec<Tensor>)],
    raw: bool,
) {
    for (info, (output, values)) in infos.iter().zip(outputs) {
        let ty = if raw { Type::Int } else { info.ty };
        for value in values {
            let shown = show::value(value.shape(), &value.to_i128s(), ty, info.text && !raw);
            let lines = if shown.contains('\n') { "\n" } else { " " };
            let _ = writeln!(text, "{party} {output} ={lines}{shown}");
        }
    }
}

/// What a party sent.
pub(super) fn account(text: &mut String, party: &str, account: &Account) {
    let Account {
        rounds,
        messages,
        bytes,
        offline_bytes,
        setup_bytes,
    } = account;
    let _ = writeln!(
        text,
        "{party}: {rounds} rounds, {messages} messages, {bytes} bytes, {offline_bytes} offline, {setup_bytes} set-up"
    );
}
