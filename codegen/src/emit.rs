//! One party's function.

use std::collections::{HashMap, HashSet};

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};
use smpc_grammar::Sources;
use smpc_ir::local::{Local, Prim, Source};
use smpc_ir::party::{CoinDomain, Elem, PartySet, Program, Value, ValueInfo};
use smpc_ir::{Size, SizeVar};

use crate::formula::{Formula, signed};
use crate::layout::Layout;
use crate::name::{self, Names};
use crate::project::{Act, Carried, LoopKind, Row, reads};
use crate::{Unsupported, size};

/// An expression holds at most so many operations.
const MOST: usize = 12;

/// What a list of statements defines.
#[derive(Default)]
struct Scope {
    /// What it defines.
    own: HashSet<Value>,
    /// How often each value is read.
    uses: HashMap<Value, usize>,
    /// Handed on: its variable is gone.
    moved: HashSet<Value>,
}

/// Writes one party's function.
pub(crate) struct Emitter<'a> {
    program: &'a Program,
    sources: &'a Sources,
    layout: &'a Layout,
    names: HashMap<Value, Ident>,
    taken: Names,
    locals: HashMap<Value, (&'a Local, &'a [Value])>,
    fractions: HashMap<Value, Value>,
    inline: HashSet<Value>,
    loops: HashMap<SizeVar, Ident>,
    scopes: Vec<Scope>,
    place: Option<(u32, usize)>,
    /// Rounds gone by that are not counted yet.
    rounds: u64,
    /// Text of the comments, by the number in their marker.
    pub comments: Vec<String>,
    pub failed: Option<Unsupported>,
}

impl<'a> Emitter<'a> {
    pub fn new(program: &'a Program, sources: &'a Sources, layout: &'a Layout) -> Self {
        let mut taken = Names::default();
        for name in layout.publics.iter().map(|p| &p.name) {
            taken.unique(&name.to_string());
        }
        Self {
            program,
            sources,
            layout,
            names: HashMap::new(),
            taken,
            locals: HashMap::new(),
            fractions: HashMap::new(),
            inline: HashSet::new(),
            loops: HashMap::new(),
            scopes: vec![],
            place: None,
            rounds: 0,
            comments: vec![],
            failed: None,
        }
    }

    pub fn info(&self, value: Value) -> Option<&'a ValueInfo> {
        self.program.values.get(value.0 as usize)
    }

    pub fn local(&self, value: Value) -> Option<(&'a Local, &'a [Value])> {
        self.locals.get(&value).copied()
    }

    pub fn is_inline(&self, value: Value) -> bool {
        self.inline.contains(&value)
    }

    pub fn name_of(&self, value: Value) -> Option<Ident> {
        self.names.get(&value).cloned()
    }

    pub fn same_shape(&self, a: Value, b: Value) -> bool {
        matches!((self.info(a), self.info(b)), (Some(a), Some(b)) if a.shape == b.shape)
    }

    /// The literal that a value is everywhere.
    pub fn literal(&self, value: Value) -> Option<i128> {
        match self.local(value) {
            Some((Local::Constant(literal), _)) => Some(*literal),
            _ => None,
        }
    }

    fn fail(&mut self, what: &'static str) {
        self.failed.get_or_insert(Unsupported { what });
    }

    fn size(&mut self, of: &Size) -> TokenStream {
        let name = |var: SizeVar| {
            let inner = self.loops.get(&var).cloned();
            inner.or_else(|| self.layout.size_name(var))
        };
        match size::size(of, &name) {
            Some(tokens) => tokens,
            None => {
                self.fail("a size with a sum over levels of a tree");
                quote!(0)
            }
        }
    }

    fn dims(&mut self, value: Value) -> TokenStream {
        let shape: &[Size] = self.info(value).map_or(&[], |info| &info.shape);
        let dims: Vec<_> = shape.iter().map(|d| self.size(d)).collect();
        quote!(&[#(#dims),*])
    }

    fn elem(&self, value: Value) -> TokenStream {
        elem_tokens(self.info(value).map_or(Elem::Fix, |info| info.elem))
    }

    fn define(&mut self, value: Value, source: Source) -> Ident {
        let line = name::line(self.sources, source);
        let base = line
            .and_then(|l| name::given(l.text))
            .map_or("v".to_owned(), |n| name::snake(&n));
        self.named(value, &base)
    }

    fn named(&mut self, value: Value, base: &str) -> Ident {
        let name = self.taken.numbered(base);
        self.names.insert(value, name.clone());
        name
    }

    /// A value to read.
    fn borrowed(&mut self, value: Value) -> TokenStream {
        if self.is_inline(value) {
            let tokens = self.expression(value);
            return quote!(&#tokens);
        }
        match self.name_of(value) {
            Some(name) => quote!(&#name),
            None => {
                self.fail("a value that is read before it is computed");
                quote!(&v)
            }
        }
    }

    /// A value to keep.
    fn owned(&mut self, value: Value) -> TokenStream {
        if self.is_inline(value) {
            return self.expression(value);
        }
        let Some(name) = self.name_of(value) else {
            self.fail("a value that is read before it is computed");
            return quote!(v);
        };
        if let Some(scope) = self.scopes.last_mut()
            && scope.own.contains(&value)
            && scope.uses.get(&value) == Some(&1)
        {
            scope.moved.insert(value);
            return quote!(#name);
        }
        quote!(#name.clone())
    }

    /// The operation that computes a value, with its `?`.
    fn expression(&mut self, value: Value) -> TokenStream {
        if let Some(arg) = self.fractions.get(&value).copied() {
            let a = self.borrowed(arg);
            return quote!(fraction_bits(#a)?);
        }
        let Some((op, args)) = self.local(value) else {
            self.fail("a value without an operation");
            return quote!(v);
        };
        if let Some((formula, body)) = Formula::of(self, value) {
            let names: Vec<_> = formula
                .leaves
                .iter()
                .map(|(_, name)| name.clone())
                .collect();
            let args: Vec<_> = formula
                .leaves
                .iter()
                .map(|(v, _)| self.borrowed(*v))
                .collect();
            let wide = self
                .info(value)
                .is_some_and(|info| info.elem.wire_bits() > 64);
            let map = if wide { quote!(map_wide) } else { quote!(map) };
            return quote!(#map([#(#args),*], |[#(#names),*]| #body)?);
        }
        let a: Vec<TokenStream> = args.iter().map(|v| self.borrowed(*v)).collect();
        let elem = self.elem(value);
        let call = match op {
            Local::Constant(literal) => {
                let (dims, literal) = (self.dims(value), signed(*literal));
                if self.info(value).is_some_and(|info| info.shape.is_empty()) {
                    quote!(scalar(#elem, #literal))
                } else {
                    quote!(constant(#elem, #dims, #literal))
                }
            }
            Local::Data(values) => {
                let dims = self.dims(value);
                let values = values.iter().map(|v| signed(*v));
                quote!(data(#elem, #dims, &[#(#values),*]))
            }
            Local::Size(of) => {
                let of = self.size(of);
                quote!(scalar(#elem, #of))
            }
            Local::Iota => {
                let n = self.info(value).and_then(|info| info.shape.first());
                let n = n.map(|n| self.size(n));
                quote!(iota(#elem, #n))
            }
            Local::Prim(prim) => prim_call(*prim, &a, &elem),
            Local::MatMul => quote!(matmul(#(#a),*)),
            Local::Reshape | Local::Broadcast => {
                let dims = self.dims(value);
                let name = if *op == Local::Reshape {
                    quote!(reshape)
                } else {
                    quote!(broadcast)
                };
                quote!(#name(#(#a),*, #dims))
            }
            Local::Transpose { axes } => {
                let axes = axes.iter().map(|a| Literal::u8_unsuffixed(*a));
                quote!(transpose(#(#a),*, &[#(#axes),*]))
            }
            Local::Slice { axis, start, end } => {
                let (axis, start, end) = (
                    Literal::u8_unsuffixed(*axis),
                    self.size(start),
                    self.size(end),
                );
                quote!(slice(#(#a),*, #axis, #start, #end))
            }
            Local::Concat { axis } => {
                let axis = Literal::u8_unsuffixed(*axis);
                quote!(concat(&[#(#a),*], #axis))
            }
            Local::Gather => quote!(gather(#(#a),*)),
            Local::Scatter => quote!(scatter(#(#a),*)),
            Local::InversePermutation => quote!(inverse_permutation(#(#a),*)),
            Local::Sum { axis } => {
                let axis = Literal::u8_unsuffixed(*axis);
                quote!(sum(#(#a),*, #axis))
            }
            Local::Unpack => quote!(unpack(#(#a),*)),
            Local::Pack => quote!(pack(#(#a),*)),
        };
        quote!(#call?)
    }

    /// Decides which values are written where they are read. Gives for each act the act at whose
    /// place it is written.
    fn arrange(&mut self, acts: &'a [Act<'a>], tail: &[Value]) -> Vec<usize> {
        let mut scope = Scope {
            own: acts.iter().flat_map(defines).collect(),
            ..Scope::default()
        };
        let mut reader: HashMap<Value, Option<usize>> = HashMap::new();
        for (at, act) in acts.iter().enumerate() {
            reads(act, &mut |value, inside| {
                *scope.uses.entry(value).or_default() += 1;
                reader.insert(value, if inside { None } else { Some(at) });
            });
        }
        for value in tail {
            *scope.uses.entry(*value).or_default() += 1;
            reader.insert(*value, None);
        }
        let mut barriers = 0;
        let before: Vec<usize> = acts
            .iter()
            .map(|act| {
                let barrier = matches!(
                    act,
                    Act::Exchange { .. } | Act::Loop { .. } | Act::Switch { .. } | Act::Tree { .. }
                );
                let seen = barriers;
                barriers += usize::from(barrier);
                seen
            })
            .collect();
        let mut cost: HashMap<Value, usize> = HashMap::new();
        let mut written: Vec<usize> = (0..acts.len()).collect();
        for (at, act) in acts.iter().enumerate() {
            let (args, result): (&[Value], Value) = match act {
                Act::Local {
                    op, args, result, ..
                } => {
                    self.locals.insert(*result, (op, args));
                    (args, *result)
                }
                Act::FractionBits { arg, result, .. } => {
                    self.fractions.insert(*result, *arg);
                    (std::slice::from_ref(arg), *result)
                }
                _ => continue,
            };
            let own = 1 + args
                .iter()
                .filter(|a| self.inline.contains(a))
                .map(|a| cost.get(a).unwrap_or(&1))
                .sum::<usize>();
            cost.insert(result, own);
            let scalar = self.info(result).is_some_and(|info| info.shape.is_empty());
            let fixed = match self.local(result) {
                Some((Local::Constant(_), _)) => true,
                Some((Local::Size(_), _)) => scalar,
                _ => false,
            };
            let once = scope.uses.get(&result) == Some(&1) && own <= MOST;
            let near = match reader.get(&result) {
                Some(Some(to)) if once && before[*to] == before[at] => Some(*to),
                _ => None,
            };
            if fixed || near.is_some() {
                self.inline.insert(result);
            }
            if let Some(to) = near {
                written[at] = to;
            }
        }
        for at in (0..acts.len()).rev() {
            written[at] = written[written[at]];
        }
        self.scopes.push(scope);
        written
    }

    /// Statements of a block, and the values in `tail` as its results.
    pub fn block(
        &mut self,
        acts: &'a [Act<'a>],
        tail: &[Value],
    ) -> (Vec<TokenStream>, Vec<TokenStream>) {
        let written = self.arrange(acts, tail);
        let dead = self.last_reads(acts, tail, &written);
        let mut out = vec![];
        let mut gone: Vec<Value> = vec![];
        for (at, act) in acts.iter().enumerate() {
            let boundary = self.comment(act, &mut out);
            let heavy = matches!(
                act,
                Act::Exchange { .. } | Act::Loop { .. } | Act::Switch { .. } | Act::Tree { .. }
            );
            if boundary || heavy {
                let comment = if boundary {
                    out.split_off(out.len() - 2)
                } else {
                    vec![]
                };
                self.forget(&mut gone, &mut out);
                out.extend(comment);
            }
            if matches!(
                act,
                Act::Loop { .. } | Act::Switch { .. } | Act::Tree { .. }
            ) {
                self.count_rounds(&mut out);
            }
            self.act(act, &mut out);
            if let Some(values) = dead.get(&at) {
                gone.extend(values);
            }
        }
        self.count_rounds(&mut out);
        let results = tail.iter().map(|v| self.owned(*v)).collect();
        self.scopes.pop();
        (out, results)
    }

    /// The values of a block by the act after which nobody reads them.
    fn last_reads(
        &self,
        acts: &[Act<'_>],
        tail: &[Value],
        written: &[usize],
    ) -> HashMap<usize, Vec<Value>> {
        let mut last: HashMap<Value, usize> = HashMap::new();
        let mut order = vec![];
        for act in acts {
            let own = defines(act);
            order.extend(own.into_iter().filter(|v| !self.inline.contains(v)));
        }
        let own: HashSet<Value> = order.iter().copied().collect();
        for (at, act) in acts.iter().enumerate() {
            reads(act, &mut |value, _| {
                if own.contains(&value) {
                    let seen = last.entry(value).or_default();
                    *seen = (*seen).max(written[at]);
                }
            });
        }
        for value in tail {
            last.remove(value);
        }
        let mut dead: HashMap<usize, Vec<Value>> = HashMap::new();
        for value in order {
            let small = self
                .info(value)
                .is_some_and(|info| info.elements().as_constant().is_some());
            if let Some(at) = last.get(&value)
                && !small
            {
                dead.entry(*at).or_default().push(value);
            }
        }
        dead
    }

    /// Ends variables whose memory is needed no more.
    fn forget(&mut self, gone: &mut Vec<Value>, out: &mut Vec<TokenStream>) {
        let moved = self.scopes.last().map(|scope| &scope.moved);
        let names: Vec<Ident> = gone
            .drain(..)
            .filter(|v| moved.is_none_or(|moved| !moved.contains(v)))
            .filter_map(|v| self.names.get(&v).cloned())
            .collect();
        for names in names.chunks(8) {
            out.push(match names {
                [one] => quote!(drop(#one);),
                several => quote!(drop((#(#several),*));),
            });
        }
    }

    /// The script's line, where it is another one than before.
    fn comment(&mut self, act: &Act<'_>, out: &mut Vec<TokenStream>) -> bool {
        let (source, written) = match act {
            Act::Local { source, result, .. } | Act::FractionBits { source, result, .. } => {
                (*source, !self.inline.contains(result))
            }
            Act::Input { source, .. }
            | Act::Output { source, .. }
            | Act::Loop { source, .. }
            | Act::Switch { source, .. }
            | Act::Tree { source, .. } => (*source, true),
            Act::Param { .. } | Act::Coin { .. } | Act::Exchange { .. } => return false,
        };
        if !written {
            return false;
        }
        let Some(line) = name::line(self.sources, source) else {
            return false;
        };
        let place = Some((source.file, line.number));
        if self.place == place {
            return false;
        }
        self.place = place;
        let at = format!("{}:{}", line.file, line.number);
        let number = Literal::usize_unsuffixed(self.comments.len());
        self.comments.push(format!("{at}: {}", line.text));
        out.push(quote!(smpc_source!(#number);));
        out.push(quote!(end.at(#at);));
        true
    }

    fn act(&mut self, act: &'a Act<'a>, out: &mut Vec<TokenStream>) {
        match act {
            Act::Local { result, source, .. } | Act::FractionBits { result, source, .. } => {
                if self.inline.contains(result) {
                    return;
                }
                let tokens = self.expression(*result);
                let name = self.define(*result, *source);
                out.push(quote!(let #name = #tokens;));
            }
            Act::Input { index, result, .. } => {
                let Some(field) = self.layout.inputs.get(*index).cloned() else {
                    return;
                };
                let (elem, dims) = (self.elem(*result), self.dims(*result));
                let text = field.to_string();
                let name = self.named(*result, &text);
                out.push(quote!(let #name = input(inputs.#field.as_ref(), #text, #elem, #dims)?;));
            }
            Act::Param { index, result } => {
                let Some(field) = self.layout.params.get(*index).cloned() else {
                    return;
                };
                let elem = self.elem(*result);
                let name = self.named(*result, &field.to_string());
                out.push(quote!(let #name = scalar(#elem, #field)?;));
            }
            Act::Coin {
                domain,
                result,
                used,
            } => self.coin(domain, *result, *used, out),
            Act::Output {
                name, field, value, ..
            } => {
                let Some(own) = self.layout.output(name, *field) else {
                    return;
                };
                let value = self.owned(*value);
                out.push(quote!(out.#own.push(#value);));
            }
            Act::Exchange {
                offline,
                sends,
                receives,
            } => self.exchange(*offline, sends, receives, out),
            Act::Loop {
                kind,
                carried,
                body,
                source,
            } => self.repeat(kind, carried, body, *source, out),
            Act::Switch {
                index,
                arms,
                results,
                source,
            } => self.switch(*index, arms, results, *source, out),
            Act::Tree {
                scan,
                half,
                length,
                rows,
                body,
                source,
            } => {
                self.tree(*scan, (*half, length), rows, body, *source, out);
            }
        }
    }

    fn coin(&mut self, domain: &CoinDomain, result: Value, used: bool, out: &mut Vec<TokenStream>) {
        let set = self
            .info(result)
            .map_or(PartySet::EMPTY, |info| info.known_to);
        let Some(set) = self.layout.set(set) else {
            self.fail("a coin of an unknown set");
            return;
        };
        let (elem, dims) = (self.elem(result), self.dims(result));
        let draw = match domain {
            CoinDomain::Uniform => quote!(end.coin(#set, #elem, #dims)?),
            CoinDomain::Permutation => quote!(end.draw(#set, &Permutation, #elem, #dims)?),
            CoinDomain::Below(bound) => {
                let bound = Literal::u128_unsuffixed(*bound);
                quote!(end.draw(#set, &Below(#bound), #elem, #dims)?)
            }
            CoinDomain::Nonzero => quote!(end.draw(#set, &Nonzero, #elem, #dims)?),
        };
        out.push(if used {
            let name = self.named(result, "coin");
            quote!(let #name = #draw;)
        } else {
            quote!(#draw;)
        });
    }

    fn count_rounds(&mut self, out: &mut Vec<TokenStream>) {
        let rounds = Literal::u64_unsuffixed(std::mem::take(&mut self.rounds));
        if rounds.to_string() != "0" {
            out.push(quote!(end.rounds(#rounds);));
        }
    }

    fn exchange(
        &mut self,
        offline: bool,
        sends: &[(smpc_ir::party::Party, Vec<Value>)],
        receives: &[(smpc_ir::party::Party, Vec<(Value, bool)>)],
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
        for (to, values) in sends {
            let to = self.layout.party(*to);
            let values: Vec<_> = values.iter().map(|v| self.borrowed(*v)).collect();
            let send = if offline {
                quote!(send_ahead)
            } else {
                quote!(send)
            };
            out.push(quote!(end.#send(#to, &[#(#values),*])?;));
        }
        for (from, values) in receives {
            let from = self.layout.party(*from);
            let mut types = vec![];
            let mut names = vec![];
            for (value, used) in values {
                let (elem, dims) = (self.elem(*value), self.dims(*value));
                types.push(quote!((#elem, #dims)));
                names.push(if *used {
                    let name = self.named(*value, "got");
                    quote!(#name)
                } else {
                    quote!(_)
                });
            }
            let receive = quote!(end.receive(#from, [#(#types),*])?);
            out.push(if values.iter().any(|(_, used)| *used) {
                quote!(let [#(#names),*] = #receive;)
            } else {
                quote!(#receive;)
            });
        }
    }

    fn repeat(
        &mut self,
        kind: &'a LoopKind<'a>,
        carried: &'a [Carried],
        body: &'a [Act<'a>],
        source: Source,
        out: &mut Vec<TokenStream>,
    ) {
        for c in carried {
            let init = self.owned(c.init);
            let name = self.define(c.param, source);
            if let Some(result) = c.result {
                self.names.insert(result, name.clone());
            }
            out.push(quote!(let mut #name = #init;));
        }
        let names: Vec<Ident> = carried
            .iter()
            .filter_map(|c| self.name_of(c.param))
            .collect();
        let next: Vec<Value> = carried.iter().map(|c| c.next).collect();
        let mut head = vec![];
        let var = match kind {
            LoopKind::For { var, .. } => {
                let name = self.taken.numbered("i");
                self.loops.insert(*var, name.clone());
                Some(name)
            }
            LoopKind::While { condition, test } => {
                self.place = None;
                let (mut statements, _) = self.block(condition, &[*test]);
                let test = self.borrowed(*test);
                statements.push(quote!(if !truth(#test)? { break; }));
                head = statements;
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
        out.push(match kind {
            LoopKind::For { count, .. } => {
                let count = self.size(count);
                let body = quote!(#(#statements)*);
                let var = var
                    .filter(|v| mentions(&body, v))
                    .map_or(quote!(_), |v| quote!(#v));
                quote!(for #var in 0..#count { #body })
            }
            LoopKind::While { .. } => quote!(loop { #(#head)* #(#statements)* }),
        });
    }

    fn switch(
        &mut self,
        index: Value,
        arms: &'a [(Vec<Act<'a>>, Vec<Value>)],
        results: &[Value],
        source: Source,
        out: &mut Vec<TokenStream>,
    ) {
        let index = self.borrowed(index);
        let count = Literal::usize_unsuffixed(arms.len());
        let mut bodies = vec![];
        for (acts, handed) in arms {
            self.place = None;
            let (statements, values) = self.block(acts, handed);
            bodies.push(match &values[..] {
                [] => quote!(#(#statements)*),
                [one] => quote!(#(#statements)* #one),
                several => quote!(#(#statements)* (#(#several),*)),
            });
        }
        self.place = None;
        let picked = quote!(arm(#index, #count)?);
        let choice = match &bodies[..] {
            [only] => {
                out.push(quote!(#picked;));
                quote!({ #only })
            }
            [zero, one] if one.is_empty() => quote!(if #picked == 0 { #zero }),
            [zero, one] if zero.is_empty() => quote!(if #picked == 1 { #one }),
            [zero, one] => quote!(if #picked == 1 { #one } else { #zero }),
            several => {
                let (last, first) = match several.split_last() {
                    Some(parts) => parts,
                    None => return,
                };
                let numbers = (0..first.len()).map(Literal::usize_unsuffixed);
                quote!(match #picked { #(#numbers => { #first })* _ => { #last } })
            }
        };
        let names: Vec<Ident> = results.iter().map(|r| self.define(*r, source)).collect();
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
        rows: &'a [Row],
        body: &'a [Act<'a>],
        source: Source,
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
        let (statements, results) = self.block(body, &next);
        self.place = None;
        let body = quote!(#(#statements)* Ok([#(#results),*]));
        let pattern = |name: &Ident| {
            if mentions(&body, name) {
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
        let tree = if scan { quote!(scan) } else { quote!(reduce) };
        let call = quote!(#tree(end, #length, [#(#args),*], |#end, #pairs, [#(#low),*], [#(#high),*]| { #body })?);
        let mut names = vec![];
        for row in rows {
            names.push(match row.result {
                Some(result)
                    if self
                        .scopes
                        .last()
                        .is_some_and(|s| s.uses.contains_key(&result)) =>
                {
                    let name = self.define(result, source);
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

/// The values an act defines for those after it.
fn defines(act: &Act<'_>) -> Vec<Value> {
    match act {
        Act::Local { result, .. }
        | Act::FractionBits { result, .. }
        | Act::Input { result, .. }
        | Act::Param { result, .. } => vec![*result],
        Act::Coin { result, used, .. } => Some(*result).filter(|_| *used).into_iter().collect(),
        Act::Exchange { receives, .. } => {
            let got = receives.iter().flat_map(|(_, values)| values);
            got.filter(|(_, used)| *used).map(|(v, _)| *v).collect()
        }
        Act::Loop { carried, .. } => carried.iter().filter_map(|c| c.result).collect(),
        Act::Switch { results, .. } => results.clone(),
        Act::Tree { rows, .. } => rows.iter().filter_map(|r| r.result).collect(),
        Act::Output { .. } => vec![],
    }
}

/// Whether an identifier occurs in code.
pub(crate) fn mentions(tokens: &TokenStream, name: &Ident) -> bool {
    tokens.clone().into_iter().any(|token| match token {
        proc_macro2::TokenTree::Ident(own) => own == *name,
        proc_macro2::TokenTree::Group(group) => mentions(&group.stream(), name),
        _ => false,
    })
}

/// An element type.
pub(crate) fn elem_tokens(elem: Elem) -> TokenStream {
    let bits = |k: u8| Literal::u8_unsuffixed(k);
    match elem {
        Elem::Ring(k) => {
            let k = bits(k);
            quote!(Ring(#k))
        }
        Elem::Bits(m) => {
            let m = bits(m);
            quote!(Bits(#m))
        }
        Elem::Field(p) => match p.exponent() {
            Some(q) => {
                let name = format_ident!("M{q}");
                quote!(Field(#name))
            }
            None => {
                let p = Literal::u128_unsuffixed(p.modulus());
                quote!(Field(prime(#p)))
            }
        },
        Elem::Fix => quote!(Fix),
    }
}

fn prim_call(prim: Prim, a: &[TokenStream], elem: &TokenStream) -> TokenStream {
    let name = match prim {
        Prim::Cast => return quote!(cast(#(#a),*, #elem)),
        Prim::BitSlice { start, step } => {
            let (start, step) = (Literal::u8_unsuffixed(start), signed(step.into()));
            return quote!(bit_slice(#(#a),*, #start, #step, #elem));
        }
        Prim::Encode => return quote!(encode(#(#a),*, #elem)),
        Prim::Add => "add",
        Prim::Sub => "sub",
        Prim::Mul => "mul",
        Prim::Neg => "neg",
        Prim::Not => "not",
        Prim::Shl => "shl",
        Prim::Shr => "shr",
        Prim::ShrLogical => "shr_logical",
        Prim::Eq => "eq",
        Prim::Lt => "lt",
        Prim::Div => "div",
        Prim::Rem => "rem",
        Prim::Select => "select",
        Prim::Sqrt => "sqrt",
        Prim::Exp => "exp",
        Prim::Ln => "ln",
        Prim::Decode => "decode",
    };
    let name = format_ident!("{name}");
    quote!(#name(#(#a),*))
}
