//! Loops, branches and trees.

use proc_macro2::{Ident, Literal, TokenStream, TokenTree};
use quote::{format_ident, quote};
use smpc_ir::party::Value;
use smpc_ir::{Size, SizeVar};

use super::Emitter;
use crate::mentioned::Mentioned;
use crate::project::{Act, Carried, LoopKind, Row};
use crate::same::{self, Piece};

/// A block that gives a value: what the last statement names only to give it, needs no name.
fn returned(mut statements: Vec<TokenStream>, value: &TokenStream) -> TokenStream {
    let last = statements.last().map(|last| last.clone().into_iter());
    let tokens: Vec<TokenTree> = last.into_iter().flatten().collect();
    let name = value.to_string();
    if let [
        TokenTree::Ident(word),
        TokenTree::Ident(given),
        TokenTree::Punct(_),
        expression @ ..,
        TokenTree::Punct(_),
    ] = &tokens[..]
        && word == "let"
        && *given == name
    {
        statements.pop();
        return quote!(#(#statements)* #(#expression)*);
    }
    quote!(#(#statements)* #value)
}

impl<'a> Emitter<'a> {
    pub(super) fn control(&mut self, act: &Act<'a>, out: &mut Vec<TokenStream>) {
        match act {
            Act::Loop {
                kind,
                carried,
                body,
                ..
            } => self.repeat(kind, carried, body, out),
            Act::Switch {
                index,
                arms,
                results,
                ..
            } => self.switch(*index, arms, results, out),
            Act::Tree {
                scan,
                half,
                length,
                rows,
                body,
                ..
            } => self.tree(*scan, (*half, length), rows, body, out),
            _ => self.fail("an operation that is no statement"),
        }
    }

    fn repeat(
        &mut self,
        kind: &LoopKind<'a>,
        carried: &[Carried],
        body: &[Act<'a>],
        out: &mut Vec<TokenStream>,
    ) {
        for c in carried {
            let init = self.owned(c.init);
            let name = self.define(c.param);
            if let Some(result) = c.result {
                self.share_name(result, name.clone());
            }
            out.push(quote!(let mut #name = #init;));
        }
        // Every turn begins at the loop's line.
        let start = self.at.clone();
        let names: Vec<Ident> = carried
            .iter()
            .filter_map(|c| self.name_of(c.param))
            .collect();
        let next: Vec<Value> = carried.iter().map(|c| c.next).collect();
        let (mut head, mut left) = (vec![], None);
        let var = match kind {
            LoopKind::For { var, .. } => {
                let name = self.taken.numbered("i");
                self.loops.insert(*var, name.clone());
                Some(name)
            }
            LoopKind::While { condition, test } => {
                self.place = None;
                let (mut statements, _) = self.block(condition, &[*test]);
                let test = self.read(*test);
                statements.push(quote!(if !truth(#test)? { break; }));
                head = statements;
                left = self.at.clone();
                None
            }
        };
        self.place = None;
        let (mut statements, results) = self.block(body, &next);
        match (&names[..], &results[..]) {
            ([], _) => {}
            ([name], [result]) => statements.push(quote!(#name = #result;)),
            _ => statements.push(quote!((#(#names),*) = (#(#results),*);)),
        }
        self.place = None;
        if matches!(kind, LoopKind::For { .. }) && statements.is_empty() {
            // Others compute here.
            return;
        }
        // A party that computes turn after turn by itself notices a lost peer.
        self.said.add("end");
        let mut turn = vec![];
        if self.at != start {
            turn.extend(self.told(&start));
        }
        turn.push(quote!(end.still_there()?;));
        self.at = match kind {
            LoopKind::For { .. } if self.at == start => start,
            LoopKind::For { .. } => None,
            LoopKind::While { .. } => left,
        };
        let statements = [turn, head, statements].concat();
        out.push(match kind {
            LoopKind::For { count, .. } => {
                let count = self.size(count);
                let body = quote!(#(#statements)*);
                let var = var
                    .filter(|v| Mentioned::new(&body).has_ident(v))
                    .map_or(quote!(_), |v| quote!(#v));
                quote!(for #var in 0..#count { #body })
            }
            LoopKind::While { .. } => quote!(loop { #(#statements)* }),
        });
    }

    fn switch(
        &mut self,
        index: Value,
        arms: &[(Vec<Act<'a>>, Vec<Value>)],
        results: &[Value],
        out: &mut Vec<TokenStream>,
    ) {
        let index = self.read(index);
        let count = Literal::usize_unsuffixed(arms.len());
        let start = self.at.clone();
        let mut ends = vec![];
        let mut bodies = vec![];
        for (acts, handed) in arms {
            self.place = None;
            self.at = start.clone();
            let before = self.taken.count();
            let (statements, values) = self.block(acts, handed);
            ends.push(self.at.clone());
            let code = match &values[..] {
                [] => quote!(#(#statements)*),
                [one] => returned(statements, one),
                several => quote!(#(#statements)* (#(#several),*)),
            };
            bodies.push(Piece {
                code,
                taken: before..self.taken.count(),
            });
        }
        self.place = None;
        let one = ends.iter().all(|end| *end == start);
        self.at = start.filter(|_| one);
        let picked = quote!(arm(#index, #count)?);
        // What is the same in every arm for this party is no choice.
        let alike = same::once(&bodies, &self.taken);
        let alike = alike.filter(|only| bodies.len() == 1 || !only.is_empty());
        let bodies: Vec<TokenStream> = bodies.into_iter().map(|body| body.code).collect();
        let choice = match (alike, &bodies[..]) {
            (Some(only), _) => {
                out.push(quote!(#picked;));
                quote!({ #only })
            }
            (None, [zero, one]) if one.is_empty() => quote!(if #picked == 0 { #zero }),
            (None, [zero, one]) if zero.is_empty() => quote!(if #picked == 1 { #one }),
            (None, [zero, one]) => quote!(if #picked == 1 { #one } else { #zero }),
            (None, several) => {
                let (last, first) = match several.split_last() {
                    Some(parts) => parts,
                    None => return,
                };
                let numbers = (0..first.len()).map(Literal::usize_unsuffixed);
                quote!(match #picked { #(#numbers => { #first })* _ => { #last } })
            }
        };
        let names: Vec<Ident> = results.iter().map(|r| self.define(*r)).collect();
        out.push(match &names[..] {
            [] => choice,
            [one] => quote!(let #one = #choice;),
            several => quote!(let (#(#several),*) = #choice;),
        });
    }

    fn tree(
        &mut self,
        scan: bool,
        (half, length): (SizeVar, &Size),
        rows: &[Row],
        body: &[Act<'a>],
        out: &mut Vec<TokenStream>,
    ) {
        let args: Vec<_> = rows.iter().map(|r| self.owned(r.arg)).collect();
        let length = self.size(length);
        let low: Vec<Ident> = rows.iter().map(|r| self.named(r.low, "low")).collect();
        let high: Vec<Ident> = rows.iter().map(|r| self.named(r.high, "high")).collect();
        let pairs = self.taken.numbered("half");
        self.loops.insert(half, pairs.clone());
        let next: Vec<Value> = rows.iter().map(|r| r.next).collect();
        self.place = None;
        // A level begins where the one before ended.
        self.at = None;
        let (statements, results) = self.block(body, &next);
        self.place = None;
        self.at = None;
        let body = quote!(#(#statements)* Ok([#(#results),*]));
        let mentioned = Mentioned::new(&body);
        let pattern = |name: &Ident| {
            if mentioned.has_ident(name) {
                quote!(#name)
            } else {
                quote!(_)
            }
        };
        let (low, high): (Vec<_>, Vec<_>) = (
            low.iter().map(pattern).collect(),
            high.iter().map(pattern).collect(),
        );
        let (end, pairs) = (pattern(&format_ident!("end")), pattern(&pairs));
        self.said.add("end");
        let tree = if scan { quote!(scan) } else { quote!(reduce) };
        let call = quote!(#tree(end, #length, [#(#args),*], |#end, #pairs, [#(#low),*], [#(#high),*]| { #body })?);
        let mut names = vec![];
        for row in rows {
            names.push(match row.result {
                Some(result) if self.is_read(result) => {
                    let name = self.define(result);
                    quote!(#name)
                }
                _ => quote!(_),
            });
        }
        out.push(if names.iter().any(|n| n.to_string() != "_") {
            quote!(let [#(#names),*] = #call;)
        } else {
            quote!(#call;)
        });
    }
}
