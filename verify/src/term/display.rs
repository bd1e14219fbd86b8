//! Terms as text.

use super::{Atom, Function, Node, Poly, Symbol, Terms};
use crate::element::{is_bits, one, signed, width};

impl Terms {
    /// Text, with names for symbols; long terms are cut.
    pub fn display(&self, poly: &Poly, name: &dyn Fn(Symbol) -> String) -> String {
        if poly.terms.is_empty() {
            return "0".to_owned();
        }
        let mut text = String::new();
        for (position, (monomial, &value)) in poly.terms.iter().rev().enumerate() {
            if position == 12 {
                text.push_str(&format!(" + … ({} more)", poly.terms.len() - 12));
                break;
            }
            let number = signed(poly.elem, value);
            let negative = !is_bits(poly.elem) && number < 0 && width(poly.elem) > 1;
            let magnitude = if negative {
                number.unsigned_abs()
            } else {
                value
            };
            text.push_str(match (position, negative) {
                (0, false) => "",
                (0, true) => "-",
                (_, false) => " + ",
                (_, true) => " - ",
            });
            let mut factors: Vec<String> = monomial
                .iter()
                .map(|a| self.display_atom(*a, name))
                .collect();
            if magnitude != one(poly.elem) || factors.is_empty() {
                factors.insert(0, magnitude.to_string());
            }
            text.push_str(&factors.join("*"));
        }
        text
    }

    fn display_atom(&self, atom: Atom, name: &dyn Fn(Symbol) -> String) -> String {
        match &self.nodes[atom.0 as usize].0 {
            Node::Symbol(symbol) => name(*symbol),
            Node::Bits(of, _) => format!("bits({})", self.display_atom(*of, name)),
            Node::Function(function, args) => {
                let args: Vec<String> = args.iter().map(|a| self.brief(a, name)).collect();
                match function {
                    Function::Product => args.iter().map(|a| format!("({a})")).collect(),
                    Function::Gather => format!("({})[{}]", args[0], args[1..].join(", ")),
                    Function::InversePermutation => format!("inverse({})", args.join(", ")),
                    Function::Digest => format!("digest({})", args.join(", ")),
                    Function::Expand => format!("prg({})", args.join(", ")),
                    Function::Unknown => format!("f({})", args.join(", ")),
                    Function::Sum(_) => format!("sum({})", args.join(", ")),
                    Function::Prim(prim) => {
                        let prim = format!("{prim:?}").to_lowercase();
                        let prim = prim.split([' ', '{']).next().unwrap_or_default().to_owned();
                        format!("{prim}({})", args.join(", "))
                    }
                }
            }
        }
    }

    fn brief(&self, poly: &Poly, name: &dyn Fn(Symbol) -> String) -> String {
        if poly.monomials() > 4 {
            return format!("… {} terms …", poly.monomials());
        }
        self.display(poly, name)
    }
}
