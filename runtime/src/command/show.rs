//! Outputs and accounts as text.

use std::fmt::Write as _;

use smpc_ir::party::Elem;

use crate::endpoint::Account;
use crate::tensor::Tensor;

/// What a party was handed, a line for each value.
pub(super) fn outputs(
    text: &mut String,
    party: &str,
    outputs: &[(&'static str, Vec<Tensor>)],
    raw: bool,
) {
    for (output, values) in outputs {
        for value in values {
            let _ = writeln!(text, "{party} {output} = {}", shown(value, raw));
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

/// A tensor as nested lists.
fn shown(value: &Tensor, raw: bool) -> String {
    let values = value.to_i128s();
    let element = |v: &i128| match value.elem() {
        Elem::Fix if !raw => {
            let real = *v as f64 / 18_446_744_073_709_551_616.0;
            format!("{real:.9}")
                .trim_end_matches('0')
                .trim_end_matches('.')
                .to_owned()
        }
        Elem::Bits(_) => v.cast_unsigned().to_string(),
        _ => v.to_string(),
    };
    let mut texts: Vec<String> = values.iter().map(element).collect();
    for (axis, length) in value.shape().iter().enumerate().rev() {
        let rows: usize = value.shape()[..axis].iter().product();
        let list = |i: usize| format!("[{}]", texts[i * length..(i + 1) * length].join(", "));
        texts = (0..rows).map(list).collect();
    }
    texts.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_print_as_lists() {
        let t = |elem, shape: &[usize], values: &[i128]| {
            Tensor::from_i128s(elem, shape, values).unwrap()
        };
        assert_eq!(
            shown(&t(Elem::Ring(64), &[2, 2], &[1, -2, 3, 4]), false),
            "[[1, -2], [3, 4]]"
        );
        assert_eq!(shown(&t(Elem::Fix, &[], &[3 << 63]), false), "1.5");
        assert_eq!(shown(&t(Elem::Fix, &[1], &[1]), true), "[1]");
        assert_eq!(shown(&t(Elem::Bits(1), &[0], &[]), false), "[]");
    }
}
