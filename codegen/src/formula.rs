//! The formula of a pass: what is computed of one element.

use rustc_hash::{FxHashMap as HashMap, FxHashSet as HashSet};

use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;
use smpc_ir::local::Prim;
use smpc_ir::party::{Elem, Value};

use crate::facts::Facts;
use crate::fuse::Pass;

/// An expression holds at most so many operations.
const MOST: usize = 8;

/// Binding strength of operators.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Other,
    /// A chain of `^`, or of `&`: mixed ones get parentheses.
    Xor,
    And,
    Sum,
    Product,
    Single,
}

/// An expression of the formula.
#[derive(Clone)]
struct Part {
    tokens: TokenStream,
    level: Level,
    /// Bits above the type's may be set.
    dirty: bool,
    operations: usize,
}

/// Whether formulas have this operation between these values. The operands' types are those of
/// passes.
pub(crate) fn fits(facts: &Facts<'_>, prim: Prim, args: &[Value], result: Value) -> bool {
    let elem = facts.elem(result);
    let wide = elem.wire_bits() > 64;
    let single = |v: &Value| facts.elem(*v) == Elem::Bits(1);
    let narrow = args.iter().all(|a| facts.elem(*a).wire_bits() <= 64);
    match prim {
        Prim::Add | Prim::Sub | Prim::Mul | Prim::Neg | Prim::Not => true,
        Prim::Shl | Prim::ShrLogical | Prim::Shr => {
            let amount = args.get(1).and_then(|by| facts.literal(*by));
            let inside = amount.is_some_and(|by| (0..i128::from(elem.wire_bits())).contains(&by));
            let whole = prim != Prim::Shr || !wide || elem == Elem::Ring(128);
            let ring = prim != Prim::Shr || matches!(elem, Elem::Ring(_));
            // A product with 0 and 1 for a bit would be no bit; single bits have one shift only.
            inside && whole && ring && elem != Elem::Bits(1)
        }
        Prim::Eq | Prim::Lt | Prim::Select => narrow && !wide,
        Prim::Cast => narrow && !wide && !matches!(elem, Elem::Field(_)),
        Prim::BitSlice { .. } => narrow && !wide && !args.iter().any(single),
        _ => false,
    }
}

/// The statements and results of a pass's formula, given the names of what it reads.
pub(crate) struct Formula<'a> {
    facts: &'a Facts<'a>,
    /// All elements are single bits, 64 at a time.
    packed: bool,
    wide: bool,
    parts: HashMap<Value, Part>,
    uses: HashMap<Value, usize>,
}

impl<'a> Formula<'a> {
    /// Whether all elements are single bits, 64 at a time.
    pub fn is_packed(facts: &Facts<'_>, pass: &Pass<'_>) -> bool {
        let values = pass
            .members
            .iter()
            .flat_map(|m| m.args.iter().chain([&m.result]));
        let mut values =
            values.filter(|v| facts.literal(**v).is_none() || !facts.shape(**v).is_empty());
        values.all(|v| facts.elem(*v) == Elem::Bits(1))
    }

    /// The body of the closure: a block, or the list of results alone. `define` names the values
    /// that get a variable.
    pub fn body(
        facts: &'a Facts<'a>,
        pass: &Pass<'_>,
        given: &[(Value, Ident)],
        define: &mut dyn FnMut(Value) -> Ident,
    ) -> TokenStream {
        let packed = Self::is_packed(facts, pass);
        let outputs: HashSet<Value> = pass.outputs.iter().copied().collect();
        let mut formula = Self {
            facts,
            packed,
            wide: pass.outputs.iter().any(|v| facts.elem(*v).wire_bits() > 64),
            parts: HashMap::default(),
            uses: HashMap::default(),
        };
        for (value, name) in given {
            let part = Part {
                tokens: quote!(#name),
                level: Level::Single,
                dirty: false,
                operations: 0,
            };
            formula.parts.insert(*value, part);
        }
        let args = pass.members.iter().flat_map(|m| &m.args);
        for value in args.chain(&pass.outputs) {
            *formula.uses.entry(*value).or_default() += 1;
        }
        let mut statements = vec![];
        for member in &pass.members {
            let mut part = formula.operation(member.prim, &member.args, member.result);
            let uses = formula.uses.get(&member.result).copied().unwrap_or(0);
            let kept = outputs.contains(&member.result) && uses > 1;
            if uses > 1 || part.operations >= MOST || kept {
                let name = define(member.result);
                let tokens = &part.tokens;
                statements.push(quote!(let #name = #tokens;));
                part.tokens = quote!(#name);
                part.level = Level::Single;
                part.operations = 0;
            }
            formula.parts.insert(member.result, part);
        }
        let results: Vec<_> = pass
            .outputs
            .iter()
            .map(|v| formula.part(*v).tokens)
            .collect();
        if statements.is_empty() {
            quote!([#(#results),*])
        } else {
            quote!({ #(#statements)* [#(#results),*] })
        }
    }

    fn part(&self, value: Value) -> Part {
        if let Some(part) = self.parts.get(&value) {
            return part.clone();
        }
        let literal = self.facts.literal(value).unwrap_or(0);
        let (tokens, level) = self.constant(literal, self.facts.elem(value));
        Part {
            tokens,
            level,
            dirty: false,
            operations: 0,
        }
    }

    fn constant(&self, value: i128, elem: Elem) -> (TokenStream, Level) {
        let bits = u32::from(elem.wire_bits());
        let raw = value.cast_unsigned() & (u128::MAX >> (128 - bits));
        let tokens = if self.wide {
            let literal = signed(raw.cast_signed());
            quote!(wide(#literal))
        } else {
            let word = if self.packed { raw.wrapping_neg() } else { raw };
            let literal = signed((word as u64).cast_signed().into());
            quote!(word(#literal))
        };
        (tokens, Level::Single)
    }

    /// An argument whose unused bits are 0.
    fn clean(&self, value: Value) -> Part {
        let part = self.part(value);
        let bits = self.facts.elem(value).wire_bits();
        if !part.dirty || self.packed || bits == 64 || bits == 128 {
            return part;
        }
        let (tokens, bits) = (&part.tokens, Literal::u8_unsuffixed(bits));
        Part {
            tokens: quote!(low(#tokens, #bits)),
            level: Level::Single,
            dirty: false,
            ..part
        }
    }

    /// A ring element as a signed word.
    fn extended(&self, value: Value) -> Part {
        let part = self.part(value);
        let bits = self.facts.elem(value).wire_bits();
        if bits == 64 || bits == 128 {
            return part;
        }
        let (tokens, bits) = (&part.tokens, Literal::u8_unsuffixed(bits));
        Part {
            tokens: quote!(signed(#tokens, #bits)),
            level: Level::Single,
            dirty: true,
            ..part
        }
    }

    fn operation(&self, prim: Prim, args: &[Value], result: Value) -> Part {
        let elem = self.facts.elem(result);
        let of_bits = matches!(elem, Elem::Bits(_));
        let call = |tokens: TokenStream, parts: &[&Part], dirty: bool| Part {
            tokens,
            level: Level::Single,
            dirty,
            operations: 1 + parts.iter().map(|p| p.operations).sum::<usize>(),
        };
        match (prim, args) {
            (Prim::Add | Prim::Sub, [a, b]) if of_bits => self.infix(*a, *b, Level::Xor, quote!(^)),
            (Prim::Mul, [a, b]) if of_bits => self.infix(*a, *b, Level::And, quote!(&)),
            (Prim::Add, [a, b]) => self.infix(*a, *b, Level::Sum, quote!(+)),
            (Prim::Sub, [a, b]) => self.infix(*a, *b, Level::Sum, quote!(-)),
            (Prim::Mul, [a, b]) => self.infix(*a, *b, Level::Product, quote!(*)),
            (Prim::Neg, [a]) if of_bits => self.part(*a),
            (Prim::Neg | Prim::Not, [a]) => {
                let part = self.part(*a);
                let inner = bound(&part, Level::Single);
                let tokens = if prim == Prim::Neg {
                    quote!(-#inner)
                } else {
                    quote!(!#inner)
                };
                call(tokens, &[&part], true)
            }
            (Prim::Shl | Prim::Shr | Prim::ShrLogical, [a, by]) => {
                let by = self.facts.literal(*by).unwrap_or(0) as u8;
                let by = Literal::u8_unsuffixed(by);
                match prim {
                    Prim::Shl => {
                        let part = self.part(*a);
                        let inner = bound(&part, Level::Single);
                        let mut out = call(quote!(#inner << #by), &[&part], true);
                        out.level = Level::Other;
                        out
                    }
                    Prim::ShrLogical => {
                        let part = self.clean(*a);
                        let inner = bound(&part, Level::Single);
                        let mut out = call(quote!(#inner >> #by), &[&part], false);
                        out.level = Level::Other;
                        out
                    }
                    _ => {
                        let part = self.extended(*a);
                        let inner = &part.tokens;
                        let name = if self.wide {
                            quote!(asr_wide)
                        } else {
                            quote!(asr)
                        };
                        call(quote!(#name(#inner, #by)), &[&part], true)
                    }
                }
            }
            (Prim::Eq | Prim::Lt, [a, b]) if self.packed => {
                let (a, b) = (self.part(*a), self.part(*b));
                let (x, y) = (bound(&a, Level::Single), bound(&b, Level::Single));
                let tokens = if prim == Prim::Eq {
                    quote!(!(#x ^ #y))
                } else {
                    quote!(!#x & #y)
                };
                let mut out = call(tokens, &[&a, &b], false);
                out.level = Level::Other;
                out
            }
            (Prim::Eq | Prim::Lt, [a, b]) => {
                let signed = prim == Prim::Lt && matches!(self.facts.elem(*a), Elem::Ring(_));
                let (x, y) = if signed {
                    (self.extended(*a), self.extended(*b))
                } else {
                    (self.clean(*a), self.clean(*b))
                };
                let (s, t) = (&x.tokens, &y.tokens);
                let tokens = match prim {
                    Prim::Eq => quote!(same(#s, #t)),
                    _ if signed => quote!(below_signed(#s, #t)),
                    _ => quote!(below(#s, #t)),
                };
                call(tokens, &[&x, &y], false)
            }
            (Prim::Select, [c, a, b]) => {
                let parts = [self.clean(*c), self.part(*a), self.part(*b)];
                let [c, a, b] = parts.each_ref().map(|p| &p.tokens);
                let dirty = parts[1].dirty || parts[2].dirty;
                let tokens = if self.packed {
                    let [c, a, b] = parts.each_ref().map(|p| bound(p, Level::Single));
                    quote!(#b ^ (#c & (#a ^ #b)))
                } else {
                    quote!(pick(#c, #a, #b))
                };
                let mut out = call(tokens, &parts.each_ref(), dirty);
                if self.packed {
                    out.level = Level::Other;
                }
                out
            }
            (Prim::Cast, [a]) => {
                let (from, to) = (self.facts.elem(*a), elem);
                let grows = to.wire_bits() > from.wire_bits();
                match (from, to) {
                    (Elem::Ring(_), Elem::Ring(_)) if grows => self.extended(*a),
                    _ if grows => self.clean(*a),
                    _ => {
                        let part = self.part(*a);
                        let shrinks = to.wire_bits() < from.wire_bits();
                        Part {
                            dirty: part.dirty || shrinks,
                            ..part
                        }
                    }
                }
            }
            (Prim::BitSlice { start, step }, [a]) => {
                let part = self.part(*a);
                let inner = &part.tokens;
                let count = Literal::u8_unsuffixed(elem.wire_bits());
                let (start, step) = (
                    Literal::u8_unsuffixed(start),
                    crate::formula::signed(step.into()),
                );
                call(quote!(bits(#inner, #start, #step, #count)), &[&part], false)
            }
            _ => self.part(result),
        }
    }

    fn infix(&self, a: Value, b: Value, level: Level, operator: TokenStream) -> Part {
        let (left, right) = (self.part(a), self.part(b));
        let bitwise = matches!(level, Level::Xor | Level::And);
        // Chains go to the left; operators on bits do not mix without parentheses.
        let tighter = match level {
            Level::Sum => Level::Product,
            _ => Level::Single,
        };
        let own = if bitwise && left.level != level {
            Level::Single
        } else {
            level
        };
        // What may stand in any order stands to the left.
        let (x, y) = if bitwise && right.level == level && left.level != level {
            (bound(&right, level), bound(&left, Level::Single))
        } else {
            (bound(&left, own), bound(&right, tighter))
        };
        // What is the same on both sides only under the names of this party is nothing a person writes, either.
        // Both are read: names that nobody reads would be left over.
        let alike = left.operations == right.operations && left.level == right.level;
        if alike && x.to_string() == y.to_string() {
            match operator.to_string().as_str() {
                "&" => return left,
                "-" | "^" => {
                    let (zero, _) = self.constant(0, self.facts.elem(a));
                    let x = bound(&left, Level::Single);
                    return Part {
                        tokens: quote!(#zero & #x),
                        level: Level::And,
                        dirty: false,
                        operations: 1 + left.operations,
                    };
                }
                _ => {}
            }
        }
        Part {
            tokens: quote!(#x #operator #y),
            level,
            dirty: !bitwise || left.dirty || right.dirty,
            operations: 1 + left.operations + right.operations,
        }
    }
}

/// An expression, in parentheses unless it binds as tightly as `level`.
fn bound(part: &Part, level: Level) -> TokenStream {
    let tokens = &part.tokens;
    if part.level >= level {
        tokens.clone()
    } else {
        quote!((#tokens))
    }
}

/// An integer literal with its sign.
pub(crate) fn signed(value: i128) -> TokenStream {
    let magnitude = Literal::u128_unsuffixed(value.unsigned_abs());
    if value < 0 {
        quote!(-#magnitude)
    } else {
        quote!(#magnitude)
    }
}
