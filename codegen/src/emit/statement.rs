//! Acts as statements: coins, passes, calls, messages.

use proc_macro2::{Delimiter, Group, Ident, Literal, TokenStream};
use quote::{format_ident, quote};
use smpc_ir::party::{CoinDomain, Party, Value};

use super::Emitter;
use crate::formula::Formula;
use crate::functions::{argument, list, parameter, several, together};
use crate::fuse::Pass;
use crate::mentioned::Mentioned;
use crate::moved;
use crate::outline::{Call, Part};
use crate::project::{Act, Message};

/// A call whose results get these names.
fn bound(results: &[Ident], coins: &[Ident], call: TokenStream) -> TokenStream {
    if results.is_empty() && coins.is_empty() {
        return quote!(#call;);
    }
    let pattern = together(list(results).into_iter().chain(list(coins)));
    moved::bound_to(pattern, call)
}

impl<'a> Emitter<'a> {
    pub(super) fn act(&mut self, act: &Act<'a>, out: &mut Vec<TokenStream>) {
        match act {
            Act::Local { result, .. } | Act::FractionBits { result, .. } => {
                if self.inline.contains(result) {
                    return;
                }
                let tokens = self.expression(*result);
                if !self.is_read(*result) {
                    return out.push(quote!(#tokens;));
                }
                let name = self.define(*result);
                out.push(moved::bound(&name, tokens));
            }
            Act::Input { index, result, .. } => {
                let layout = self.layout;
                let own = layout.inputs.get(*index).zip(layout.shown.get(*index));
                let Some((field, text)) = own else { return };
                let (elem, dims) = (self.elem_of(*result), self.dims(*result));
                let name = self.named(*result, &field.to_string());
                self.said.add("inputs");
                out.push(quote!(let #name = input(inputs.#field.as_ref(), #text, #elem, #dims)?;));
            }
            Act::Param { index, result } => {
                let Some(field) = self.layout.params.get(*index).cloned() else {
                    return;
                };
                let elem = self.elem_of(*result);
                let name = self.named(*result, &field.to_string());
                self.say(&field);
                out.push(quote!(let #name = scalar(#elem, #field)?;));
            }
            Act::Coin {
                domain,
                result,
                used,
                ..
            } => self.coin(domain, *result, *used, out),
            Act::Output {
                name, field, value, ..
            } => {
                let Some(own) = self.layout.output(name, *field) else {
                    return;
                };
                let value = self.owned(*value);
                self.said.add("out");
                out.push(quote!(out.#own.push(#value);));
            }
            Act::Check { a, b, protocol, .. } => {
                let (a, b) = (self.read(*a), self.read(*b));
                self.said.add("end");
                out.push(quote!(end.check(#a, #b, #protocol)?;));
            }
            Act::Exchange {
                offline,
                sends,
                receives,
            } => self.exchange(*offline, sends, receives, out),
            Act::Pass(pass) => self.pass(pass, out),
            Act::Call(call) => self.call(call, out),
            Act::Part(part) => self.part(part, out),
            control => self.control(control, out),
        }
    }

    fn coin(&mut self, domain: &CoinDomain, result: Value, used: bool, out: &mut Vec<TokenStream>) {
        self.stand_at_coin(result, out);
        let set = self.set(self.facts.known_to(result));
        let (elem, dims) = (self.elem_of(result), self.dims(result));
        let reserved = self.facts.is_reserved(result);
        if let Some(shared) = &mut self.shared {
            shared.draws = true;
        }
        self.said.add("end");
        let draw = match domain {
            CoinDomain::Uniform if reserved || !used => quote!(end.reserve(#set, #elem, #dims)?),
            CoinDomain::Uniform => quote!(end.coin(#set, #elem, #dims)?),
            CoinDomain::Permutation => quote!(end.draw(#set, &Permutation, #elem, #dims)?),
            CoinDomain::Below(bound) => {
                let bound = Literal::u128_unsuffixed(*bound);
                quote!(end.draw(#set, &Below(#bound), #elem, #dims)?)
            }
            CoinDomain::Nonzero => quote!(end.draw(#set, &Nonzero, #elem, #dims)?),
        };
        out.push(if used {
            let base = if self.shared.is_some() {
                self.base(result)
            } else {
                "coin".to_owned()
            };
            let name = self.named(result, &base);
            quote!(let #name = #draw;)
        } else {
            quote!(#draw;)
        });
    }

    fn pass(&mut self, pass: &Pass<'_>, out: &mut Vec<TokenStream>) {
        let facts = self.facts;
        let wide = pass.outputs.iter().any(|v| facts.elem(*v).wire_bits() > 64);
        let mut given = vec![];
        let mut name = |emitter: &Self, value: Value, other: Ident| {
            let own = emitter.name_of(value).filter(|_| !emitter.is_inline(value));
            let own = own.unwrap_or(other);
            given.push((value, own.clone()));
            own
        };
        let (mut args, mut names) = (vec![], vec![]);
        for (number, value) in pass.args.iter().enumerate() {
            args.push(self.read(*value));
            names.push(name(self, *value, format_ident!("t{number}")));
        }
        let (mut coins, mut coin_names) = (vec![], vec![]);
        for (number, value) in pass.coins.iter().enumerate() {
            coins.push(self.coin_to_read(*value));
            coin_names.push(name(self, *value, format_ident!("c{number}")));
        }
        let mut define = |value: Value| self.define(value);
        let body = Formula::body(facts, pass, &given, &mut define);
        let results: Vec<Ident> = pass
            .outputs
            .iter()
            .map(|v| match self.name_of(*v) {
                Some(name) => name,
                None => self.define(*v),
            })
            .collect();
        let call = if wide {
            quote!(pass_wide([#(#args),*], |[#(#names),*]| #body))
        } else if Formula::is_packed(facts, pass) {
            quote!(pass_bits([#(#args),*], [#(#coins),*], |[#(#names),*], [#(#coin_names),*]| #body))
        } else {
            let types: Vec<_> = pass.outputs.iter().map(|v| self.elem_of(*v)).collect();
            quote!(pass(
                [#(#args),*],
                [#(#coins),*],
                [#(#types),*],
                |[#(#names),*], [#(#coin_names),*]| #body,
            ))
        };
        out.push(quote!(let [#(#results),*] = #call?;));
    }

    fn call(&mut self, call: &Call, out: &mut Vec<TokenStream>) {
        let Some(name) = self.functions.get(call.function).cloned() else {
            return self.fail("a call of an unknown function");
        };
        self.said.add("protocols");
        let end = call.draws.then(|| {
            self.said.add("end");
            quote!(end,)
        });
        let sets: Vec<_> = call.sets.iter().map(|set| self.set(*set)).collect();
        let shapes: Vec<_> = call.shapes.iter().map(|shape| self.shape(shape)).collect();
        let sizes: Vec<_> = call.sizes.iter().map(|size| self.size(size)).collect();
        let coins: Vec<_> = call.coins.iter().map(|v| self.coin_to_read(*v)).collect();
        let args: Vec<_> = call.args.iter().map(|v| self.read(*v)).collect();
        let lists = [sets, shapes, sizes, coins, args];
        let lists = lists.into_iter().filter_map(argument);
        let results: Vec<Ident> = call.results.iter().map(|v| self.define(*v)).collect();
        let kept = self.coins_together(&call.kept);
        let call = quote!(protocols::#name(#end #(#lists),*)?);
        out.push(bound(&results, &kept, call));
    }

    /// A stretch of the code: a function of its own, and the call.
    fn part(&mut self, part: &Part<'a>, out: &mut Vec<TokenStream>) {
        self.place = None;
        let read = [&part.coins[..], &part.args].concat();
        let outer = std::mem::replace(&mut self.borrowed, read.iter().copied().collect());
        let around = std::mem::take(&mut self.said);
        // Counters of the loops around it; it names those of its own.
        let mut loops: Vec<Ident> = self.loops.values().cloned().collect();
        let (statements, handed) = self.block(&part.acts, &part.results);
        self.borrowed = outer;
        self.place = None;
        let (reserved, coins, coins_type) = self.handed(&part.kept);
        let value = together(list(&handed).into_iter().chain(coins));
        // Moved, not quoted: a quoted token is copied.
        let mut body: TokenStream = statements.into_iter().collect();
        body.extend(quote!(Ok(#value)));
        let mut mentioned = std::mem::replace(&mut self.said, around);
        let sizes = self.sizes_in(&mentioned);
        let sizes = quote!(#(#sizes)*);
        mentioned.extend(Mentioned::new(&sizes));
        let mut formal = vec![];
        let mut actual = vec![];
        for (name, ty) in [
            ("end", quote!(&mut Endpoint<'_>)),
            ("public", quote!(&raw::Public)),
            ("inputs", quote!(&raw::Inputs)),
            ("out", quote!(&mut raw::Outputs)),
        ] {
            if mentioned.has(name) {
                let name = format_ident!("{name}");
                formal.push(quote!(#name: #ty,));
                self.say(&name);
                actual.push(quote!(#name));
            }
        }
        loops.retain(|name| mentioned.has_ident(name));
        loops.sort();
        for name in &loops {
            self.say(name);
        }
        let names = |emitter: &Self, values: &[Value]| -> Vec<Ident> {
            values.iter().filter_map(|v| emitter.name_of(*v)).collect()
        };
        // Coins that came together are passed on together.
        let mut together_names: Vec<Ident> = vec![];
        let mut together_given = vec![];
        let mut single = vec![];
        for coin in &part.coins {
            match self.vector_of(*coin) {
                None => single.push(*coin),
                Some(vector) if together_names.contains(&vector) => {}
                Some(vector) => {
                    let borrowed = self.borrowed.contains(coin);
                    let given = if borrowed {
                        quote!(#vector)
                    } else {
                        quote!(&#vector)
                    };
                    together_given.push(given);
                    together_names.push(vector);
                }
            }
        }
        let (coins, args) = (names(self, &single), names(self, &part.args));
        let mut named = vec![];
        for (own, statement) in [
            parameter("counts", &loops, quote!(i128)),
            parameter("reserved", &together_names, quote!(&[Coin])),
            parameter("coins", &coins, quote!(&Coin)),
            parameter("values", &args, quote!(&Tensor)),
        ] {
            formal.push(own);
            named.push(statement);
        }
        let loops: Vec<_> = loops.iter().map(|name| quote!(#name)).collect();
        let coins: Vec<_> = single.iter().map(|v| self.coin_to_read(*v)).collect();
        let args: Vec<_> = part.args.iter().map(|v| self.read(*v)).collect();
        actual.extend(
            [loops, together_given, coins, args]
                .into_iter()
                .filter_map(argument),
        );
        let name = self.taken.numbered("part");
        let tensors = several(quote!(Tensor), part.results.len());
        let ty = together(tensors.into_iter().chain(coins_type));
        let mut whole = quote!(#(#named)* #sizes);
        whole.extend(body);
        let whole = Group::new(Delimiter::Brace, whole);
        let stretch = quote!(fn #name(#(#formal)*) -> Result<#ty, Failure> #whole);
        if let Err(failed) = self.items.push(stretch) {
            self.failed.get_or_insert(failed);
        }
        self.mentioned.extend(mentioned);
        let call = quote!(#name(#(#actual),*)?);
        let results = names(self, &part.results);
        out.push(bound(&results, &reserved, call));
    }

    fn party(&mut self, party: Party) -> TokenStream {
        let name = self.layout.parties.get(usize::from(party.0));
        if let Some(name) = name {
            self.say(name);
        }
        quote!(#name)
    }

    fn exchange(
        &mut self,
        offline: bool,
        sends: &[Message<Value>],
        receives: &[Message<(Value, bool)>],
        out: &mut Vec<TokenStream>,
    ) {
        if !offline {
            // Rounds this party has no part in are counted together.
            self.rounds += 1;
            if sends.is_empty() && receives.is_empty() {
                return;
            }
            self.count_rounds(out);
        }
        self.said.add("end");
        for message in sends {
            self.stand(message.source, out);
            let to = self.party(message.peer);
            let values: Vec<_> = message.values.iter().map(|v| self.read(*v)).collect();
            let send = if offline {
                quote!(send_ahead)
            } else {
                quote!(send)
            };
            out.push(quote!(end.#send(#to, &[#(#values),*])?;));
        }
        for message in receives {
            self.stand(message.source, out);
            let from = self.party(message.peer);
            let values = &message.values;
            let mut types = vec![];
            let mut names = vec![];
            for (value, used) in values {
                let (elem, dims) = (self.elem_of(*value), self.dims(*value));
                types.push(quote!((#elem, #dims)));
                names.push(if *used {
                    let name = self.named(*value, "got");
                    quote!(#name)
                } else {
                    quote!(_)
                });
            }
            let receive = if offline {
                quote!(receive_ahead)
            } else {
                quote!(receive)
            };
            let receive = quote!(end.#receive(#from, [#(#types),*])?);
            out.push(if values.iter().any(|(_, used)| *used) {
                quote!(let [#(#names),*] = #receive;)
            } else {
                quote!(#receive;)
            });
        }
    }
}
