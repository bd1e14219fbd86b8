//! A party's code, or a function that parties share: names, what is written where, and blocks.

mod coins;
mod expression;
mod flow;
mod place;
mod statement;

use std::cell::RefCell;

use rustc_hash::{FxHashMap as HashMap, FxHashSet as HashSet};

use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;
use smpc_grammar::Sources;
use smpc_ir::local::Source;
use smpc_ir::party::{PartySet, Value};
use smpc_ir::{Size, SizeVar};

pub(crate) use expression::elem_tokens;

use crate::facts::Facts;
use crate::layout::Layout;
use crate::mentioned::Mentioned;
use crate::name::{self, Names};
use crate::needed::{defines, is_barrier, reads};
use crate::project::Act;
use crate::{Unsupported, print, size};
use place::{Place, Standing};

/// An expression holds at most so many operations.
const MOST: usize = 6;

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

/// The functions of stretches of long code: tokens, or laid out as soon as they are written, so that their
/// tokens take no memory while the others' are made.
pub(crate) enum Stretches {
    Tokens(Vec<TokenStream>),
    Text(String),
}

impl Stretches {
    fn push(&mut self, item: TokenStream) -> Result<(), Unsupported> {
        match self {
            Self::Tokens(items) => items.push(item),
            Self::Text(items) => items.push_str(&print::laid_out(item)?),
        }
        Ok(())
    }
}

/// Parameters of a function that parties share, as its body asks for them.
#[derive(Default)]
pub(crate) struct Shared {
    pub sets: Vec<(PartySet, Ident)>,
    pub shapes: Vec<(Vec<Size>, Ident)>,
    pub sizes: Vec<(Size, Ident)>,
    /// Whether it draws coins.
    pub draws: bool,
}

/// Writes one party's code, or a function that parties share.
pub(crate) struct Emitter<'a> {
    pub facts: &'a Facts<'a>,
    sources: &'a Sources,
    pub layout: &'a Layout,
    names: HashMap<Value, Ident>,
    /// Coins that came several together: the vector and the place in it.
    vectors: HashMap<Value, (Ident, usize)>,
    pub taken: Names,
    computed: HashMap<Value, Act<'a>>,
    inline: HashSet<Value>,
    pub loops: HashMap<SizeVar, Ident>,
    scopes: Vec<Scope>,
    /// Values that are references in the function being written.
    borrowed: HashSet<Value>,
    /// The line that the last comment shows.
    place: Option<Place>,
    /// The line that the endpoint is at, where that is known.
    at: Standing,
    /// By place in a text and its call.
    standings: HashMap<Source, Standing>,
    /// Rounds gone by that are not counted yet.
    rounds: u64,
    pub shared: Option<Shared>,
    /// Statements that give sizes their names, by name.
    public: Vec<(Ident, TokenStream)>,
    /// Functions of stretches.
    pub items: Stretches,
    /// What is written so far of the function: parties, sets, counters, public values and its parameters.
    pub said: Mentioned,
    /// The same of the functions of stretches.
    pub mentioned: Mentioned,
    /// Functions of protocols, by the number in a call.
    pub functions: Vec<Ident>,
    pub failed: Option<Unsupported>,
}

impl<'a> Emitter<'a> {
    /// For a party. `public` names sizes and parameters.
    pub fn new(
        facts: &'a Facts<'a>,
        sources: &'a Sources,
        layout: &'a Layout,
        public: Vec<(Ident, TokenStream)>,
    ) -> Self {
        let mut emitter = Self {
            public,
            ..Self::nameless(facts, sources, layout)
        };
        for name in layout.publics.iter().map(|p| &p.name) {
            emitter.taken.unique(&name.to_string());
        }
        emitter
    }

    /// Without any name taken.
    fn nameless(facts: &'a Facts<'a>, sources: &'a Sources, layout: &'a Layout) -> Self {
        Self {
            facts,
            sources,
            layout,
            names: HashMap::default(),
            vectors: HashMap::default(),
            taken: Names::default(),
            computed: HashMap::default(),
            inline: HashSet::default(),
            loops: HashMap::default(),
            scopes: vec![],
            borrowed: HashSet::default(),
            place: None,
            at: None,
            standings: HashMap::default(),
            rounds: 0,
            shared: None,
            public: vec![],
            items: Stretches::Tokens(vec![]),
            said: Mentioned::default(),
            mentioned: Mentioned::default(),
            functions: vec![],
            failed: None,
        }
    }

    /// For a function that parties share.
    pub fn shared(facts: &'a Facts<'a>, sources: &'a Sources, layout: &'a Layout) -> Self {
        Self {
            shared: Some(Shared::default()),
            ..Self::nameless(facts, sources, layout)
        }
    }

    /// Names for what a shared function is given: from the protocol's text for values of the same
    /// instance.
    pub fn parameters(&mut self, values: &[Value], instance: u32) -> Vec<Ident> {
        let mut names = vec![];
        for value in values {
            let own = self.facts.place(*value);
            let inside = own.is_some_and(|(o, _)| o.is_some_and(|o| o.call == instance));
            let base = if inside {
                self.base(*value)
            } else {
                "x".to_owned()
            };
            self.borrowed.insert(*value);
            names.push(self.named(*value, &base));
        }
        names
    }

    /// The sets, shapes and sizes that a shared function takes.
    pub fn shared_parameters(&mut self) -> Shared {
        self.shared.take().unwrap_or_default()
    }

    pub fn elem_of(&self, value: Value) -> TokenStream {
        elem_tokens(self.facts.elem(value))
    }

    fn is_inline(&self, value: Value) -> bool {
        self.inline.contains(&value) || self.facts.is_written_where_read(value)
    }

    pub fn name_of(&self, value: Value) -> Option<Ident> {
        self.names.get(&value).cloned()
    }

    pub fn share_name(&mut self, value: Value, name: Ident) {
        self.names.insert(value, name);
    }

    pub fn fail(&mut self, what: &'static str) {
        self.failed.get_or_insert(Unsupported { what });
    }

    pub fn size(&mut self, of: &Size) -> TokenStream {
        if let Some(shared) = &mut self.shared {
            if let Some((_, name)) = shared.sizes.iter().find(|(own, _)| own == of) {
                return quote!(#name);
            }
            let name = self.taken.numbered("n");
            shared.sizes.push((of.clone(), name.clone()));
            return quote!(#name);
        }
        let names = RefCell::new(vec![]);
        let name = |var: SizeVar| {
            let inner = self.loops.get(&var).cloned();
            let name = inner.or_else(|| self.layout.size_name(var))?;
            names.borrow_mut().push(name.clone());
            Some(name)
        };
        let names_of = size::Names {
            name: &name,
            bits: &|var| self.layout.size_bits(var),
        };
        let tokens = size::size(of, &names_of);
        for name in names.take() {
            self.say(&name);
        }
        match tokens {
            Some(tokens) => tokens,
            None => {
                self.fail("a size with a sum over levels of a tree");
                quote!(0)
            }
        }
    }

    /// The name occurs in what is being written.
    pub fn say(&mut self, name: &Ident) {
        self.said.add(&name.to_string());
    }

    fn set(&mut self, set: PartySet) -> TokenStream {
        if let Some(shared) = &mut self.shared {
            if let Some((_, name)) = shared.sets.iter().find(|(own, _)| *own == set) {
                return quote!(#name);
            }
            let name = self.taken.numbered("set");
            shared.sets.push((set, name.clone()));
            return quote!(#name);
        }
        match self.layout.set(set) {
            Some(name) => {
                self.say(&name);
                quote!(#name)
            }
            None => {
                self.fail("a coin of an unknown set");
                quote!(0)
            }
        }
    }

    fn dims(&mut self, value: Value) -> TokenStream {
        let facts = self.facts;
        self.shape(facts.shape(value))
    }

    fn shape(&mut self, shape: &[Size]) -> TokenStream {
        if let Some(shared) = &mut self.shared {
            if let Some((_, name)) = shared.shapes.iter().find(|(own, _)| own == shape) {
                return quote!(#name);
            }
            let name = self.taken.numbered("shape");
            shared.shapes.push((shape.to_vec(), name.clone()));
            return quote!(#name);
        }
        let dims: Vec<_> = shape.iter().map(|d| self.size(d)).collect();
        quote!(&[#(#dims),*])
    }

    /// The word for a value in the text that computes it.
    fn base(&self, value: Value) -> String {
        let word = match self.facts.place(value) {
            Some((Some(origin), source)) => {
                let text = |source| name::line(self.sources, source).map(|l| l.text);
                if self.shared.is_some() {
                    text(origin.source).and_then(name::component)
                } else {
                    text(source).and_then(name::given)
                }
            }
            Some((None, source)) => {
                name::line(self.sources, source).and_then(|l| name::given(l.text))
            }
            None => None,
        };
        word.map_or("v".to_owned(), |word| name::snake(&word))
    }

    pub fn define(&mut self, value: Value) -> Ident {
        let base = self.base(value);
        self.named(value, &base)
    }

    pub fn named(&mut self, value: Value, base: &str) -> Ident {
        let name = self.taken.numbered(base);
        self.names.insert(value, name.clone());
        name
    }

    /// A value to read.
    pub fn read(&mut self, value: Value) -> TokenStream {
        if self.is_inline(value) {
            let tokens = self.expression(value);
            return quote!(&#tokens);
        }
        if let Some(coin) = self.element(value) {
            return quote!(&#coin.draw()?);
        }
        let borrowed = self.borrowed.contains(&value);
        match self.name_of(value) {
            Some(name) if self.facts.is_reserved(value) => quote!(&#name.draw()?),
            Some(name) if borrowed => quote!(#name),
            Some(name) => quote!(&#name),
            None => {
                self.fail("a value that is read before it is computed");
                quote!(&v)
            }
        }
    }

    /// A reserved coin to read.
    fn coin_to_read(&mut self, value: Value) -> TokenStream {
        if let Some(coin) = self.element(value) {
            return quote!(&#coin);
        }
        match self.name_of(value) {
            Some(name) if self.borrowed.contains(&value) => quote!(#name),
            Some(name) => quote!(&#name),
            None => {
                self.fail("a coin that is read before it is drawn");
                quote!(&v)
            }
        }
    }

    /// A value to keep.
    pub fn owned(&mut self, value: Value) -> TokenStream {
        self.keep(value, false)
    }

    fn keep(&mut self, value: Value, last: bool) -> TokenStream {
        if self.is_inline(value) {
            return self.expression(value);
        }
        if let Some(coin) = self.element(value) {
            return quote!(#coin.clone());
        }
        let Some(name) = self.name_of(value) else {
            self.fail("a value that is read before it is computed");
            return quote!(v);
        };
        if let Some(scope) = self.scopes.last_mut()
            && scope.own.contains(&value)
            && (last || scope.uses.get(&value) == Some(&1))
            && scope.moved.insert(value)
        {
            return quote!(#name);
        }
        quote!(#name.clone())
    }

    /// Decides which values are written where they are read. Gives for each act the act at whose
    /// place it is written.
    fn arrange(&mut self, acts: &[Act<'a>], tail: &[Value]) -> Vec<usize> {
        let mut scope = Scope {
            own: acts.iter().flat_map(defines).collect(),
            ..Scope::default()
        };
        let mut reader: HashMap<Value, Option<usize>> = HashMap::default();
        for (at, act) in acts.iter().enumerate() {
            reads(act, &mut |value, inside| {
                *scope.uses.entry(value).or_default() += 1;
                let near = !inside && !matches!(act, Act::Part(_));
                reader.insert(value, near.then_some(at));
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
                let seen = barriers;
                barriers += usize::from(is_barrier(act));
                seen
            })
            .collect();
        let stretch = self.stretches(acts);
        let mut cost: HashMap<Value, usize> = HashMap::default();
        let mut written: Vec<usize> = (0..acts.len()).collect();
        for (at, act) in acts.iter().enumerate() {
            let (args, result): (&[Value], Value) = match act {
                Act::Local { args, result, .. } => (args, *result),
                Act::FractionBits { arg, result, .. } => (std::slice::from_ref(arg), *result),
                _ => continue,
            };
            self.computed.insert(result, act.clone());
            let own = 1 + args
                .iter()
                .filter(|a| self.inline.contains(a))
                .map(|a| cost.get(a).unwrap_or(&1))
                .sum::<usize>();
            cost.insert(result, own);
            let once = scope.uses.get(&result) == Some(&1) && own <= MOST;
            if let Some(Some(to)) = reader.get(&result)
                && once
                && before[*to] == before[at]
                && stretch[*to] == stretch[at]
            {
                self.inline.insert(result);
                written[at] = *to;
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
        acts: &[Act<'a>],
        tail: &[Value],
    ) -> (Vec<TokenStream>, Vec<TokenStream>) {
        let written = self.arrange(acts, tail);
        let dead = self.last_reads(acts, tail, &written);
        let mut out = vec![];
        let mut gone: Vec<Value> = vec![];
        let mut reserved = 0;
        for (at, act) in acts.iter().enumerate() {
            if at < reserved {
                continue;
            }
            let together = self.reserved_together(&acts[at..]);
            if together > 1 {
                self.reserve_together(&acts[at..at + together], &mut out);
                reserved = at + together;
                continue;
            }
            let boundary = self.comment(act, &mut out);
            if boundary > 0 || is_barrier(act) {
                let comment = out.split_off(out.len() - boundary);
                self.forget(&mut gone, &mut out);
                out.extend(comment);
            }
            if matches!(
                act,
                Act::Loop { .. } | Act::Switch { .. } | Act::Tree { .. } | Act::Part(_)
            ) {
                self.count_rounds(&mut out);
            }
            self.act(act, &mut out);
            if let Some(values) = dead.get(&at) {
                gone.extend(values);
            }
        }
        self.count_rounds(&mut out);
        let results = tail.iter().map(|v| self.keep(*v, true)).collect();
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
        let mut last: HashMap<Value, usize> = HashMap::default();
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
        let mut dead: HashMap<usize, Vec<Value>> = HashMap::default();
        for value in order {
            let info = self.facts.info(value);
            let small = info.is_some_and(|info| info.elements().as_constant().is_some());
            if let Some(at) = last.get(&value)
                && !small
                && !self.facts.is_reserved(value)
            {
                dead.entry(*at).or_default().push(value);
            }
        }
        dead
    }

    /// Whether the innermost block reads a value.
    pub fn is_read(&self, value: Value) -> bool {
        let scope = self.scopes.last();
        scope.is_some_and(|scope| scope.uses.contains_key(&value))
    }

    /// Ends variables whose memory is needed no more.
    fn forget(&mut self, gone: &mut Vec<Value>, out: &mut Vec<TokenStream>) {
        if self.shared.is_some() {
            return gone.clear();
        }
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

    /// Statements that name the sizes which occur in code.
    pub fn sizes_in(&self, body: &Mentioned) -> Vec<TokenStream> {
        let used = self.public.iter().filter(|(name, _)| body.has_ident(name));
        used.map(|(_, statement)| statement.clone()).collect()
    }

    pub fn count_rounds(&mut self, out: &mut Vec<TokenStream>) {
        let rounds = std::mem::take(&mut self.rounds);
        if rounds > 0 {
            self.said.add("end");
            let rounds = Literal::u64_unsuffixed(rounds);
            out.push(quote!(end.rounds(#rounds);));
        }
    }
}
