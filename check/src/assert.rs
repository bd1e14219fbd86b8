//! Assertions about public values.

use smpc_grammar::ast::{Arg, Span};
use smpc_ir::share::Op;

use crate::build::Elab;
use crate::ops::BOOL;
use crate::value::Val;

impl Elab<'_> {
    /// `assert(c)`: the run ends unless the public c holds.
    pub fn assert_call(&mut self, args: &[Arg], span: Span) -> Val {
        let Some(args) = self.args(args) else {
            return Val::Unknown;
        };
        let ([(val, at)], []) = (args.positional.as_slice(), args.named.as_slice()) else {
            self.error_help(
                "T02",
                span,
                "`assert` takes one bool",
                "write `assert(0 < x);`",
            );
            return Val::Unknown;
        };
        let leaf = self.one_leaf(&val.clone(), "`assert`", *at);
        let Some(leaf) = leaf.and_then(|leaf| self.coerce(&leaf, BOOL, *at)) else {
            return Val::Unknown;
        };
        let help = "reveal it first: everybody sees whether the run ends";
        if !self.needs_public(&leaf, "K12", "what is asserted", help, *at) {
            return Val::Unknown;
        }
        // What a function wants of public arguments holds or not whichever arm is taken: both are computed.
        if self.secret_depth > 0 && self.calls.len() == self.secret_calls {
            let message = "an assertion under a secret condition would show the condition";
            self.error_help("K17", span, message, "assert outside of the `if secret`");
            return Val::Unknown;
        }
        match leaf.as_constant() {
            Some(0) if self.is_straight() => {
                let message = format!("`{}` does not hold", self.text_of(*at));
                let help = "no run could end otherwise: change what the outermost call is given";
                self.error_help("D04", *at, message, help);
            }
            Some(c) if c != 0 => {}
            _ => {
                let value = self.value(&leaf, span);
                self.push(Op::Assert, vec![value], vec![], span);
                self.suppose_value(value, true);
            }
        }
        Val::Unit
    }
}
