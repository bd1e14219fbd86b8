//! Coins that are reserved together: they stand in a vector and are passed on in it.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;
use smpc_ir::party::{CoinDomain, PartySet, Value};

use super::Emitter;
use crate::facts::Facts;
use crate::functions::{coins, list, result_type, several};
use crate::project::Act;

/// The coin of an act that only takes a range of a stream, and whether anybody reads it.
fn reservation(facts: &Facts<'_>, act: &Act<'_>) -> Option<(Value, bool)> {
    match act {
        Act::Coin {
            domain: CoinDomain::Uniform,
            result,
            used,
            ..
        } if facts.is_reserved(*result) || !used => Some((*result, *used)),
        _ => None,
    }
}

impl Emitter<'_> {
    /// How many acts at the beginning of these are reservations of coins by the party itself.
    pub fn reserved_together(&self, acts: &[Act<'_>]) -> usize {
        if self.shared.is_some() {
            return 0;
        }
        let reserves = |act: &&Act<'_>| reservation(self.facts, act).is_some();
        acts.iter().take_while(reserves).count()
    }

    /// Reserves coins in one statement; they stand in a vector.
    pub fn reserve_together(&mut self, acts: &[Act<'_>], out: &mut Vec<TokenStream>) {
        let facts = self.facts;
        let mut coins: Vec<(Value, bool)> = acts
            .iter()
            .filter_map(|act| reservation(facts, act))
            .collect();
        if let Some((first, _)) = coins.first() {
            self.stand_at_coin(*first, out);
        }
        // Each set has its own stream: only those of one set have to stay in their order.
        let mut sets: Vec<PartySet> = vec![];
        for (coin, _) in &coins {
            let set = facts.known_to(*coin);
            if !sets.contains(&set) {
                sets.push(set);
            }
        }
        coins.sort_by_key(|(coin, _)| {
            let set = facts.known_to(*coin);
            sets.iter().position(|own| *own == set)
        });
        let kind = |(coin, _): &(Value, bool)| {
            let info = facts.info(*coin);
            info.map(|info| (info.known_to, info.elem, &info.shape))
        };
        let alike = coins.chunk_by(|a, b| kind(a) == kind(b));
        let entries = alike.filter_map(|coins| {
            let (first, _) = coins.first()?;
            let (elem, dims) = (self.elem_of(*first), self.dims(*first));
            let set = self.set(facts.known_to(*first));
            let times = (coins.len() > 1).then(|| {
                let times = Literal::usize_unsuffixed(coins.len());
                quote!(; #times)
            });
            Some(quote!((&[#set #times], #elem, #dims)))
        });
        let entries: Vec<TokenStream> = entries.collect();
        self.said.add("end");
        let reserve = quote!(end.reserve_each(&[#(#entries),*])?);
        let used = coins.iter().any(|(_, used)| *used);
        out.push(if used {
            let all: Vec<Value> = coins.iter().map(|(coin, _)| *coin).collect();
            let name = self.vector(&all);
            quote!(let #name = #reserve;)
        } else {
            quote!(#reserve;)
        });
    }

    /// Errors of drawing a coin name the place of what needs it.
    pub(super) fn stand_at_coin(&mut self, coin: Value, out: &mut Vec<TokenStream>) {
        if let Some((_, source)) = self.facts.place(coin) {
            self.stand(source, out);
        }
    }

    /// Names coins that come together, one by a name and several by that of their vector. Gives the pattern.
    pub fn coins_together(&mut self, coins: &[Value]) -> Vec<Ident> {
        match coins {
            [] => vec![],
            [one] => vec![self.named(*one, "coin")],
            several => vec![self.vector(several)],
        }
    }

    /// Coins that stand in one vector from now on.
    fn vector(&mut self, coins: &[Value]) -> Ident {
        let name = self.taken.numbered("coins");
        for (at, coin) in coins.iter().enumerate() {
            self.vectors.insert(*coin, (name.clone(), at));
        }
        name
    }

    /// What a function hands on of the coins it reserved: the names outside, the value and its type. Coins that came
    /// together leave together: none can be moved out of a vector.
    pub fn handed(
        &mut self,
        kept: &[Value],
    ) -> (Vec<Ident>, Option<TokenStream>, Option<TokenStream>) {
        let mut vectors: Vec<Ident> = vec![];
        let mut single = vec![];
        for coin in kept {
            match self.vector_of(*coin) {
                None => single.push(*coin),
                Some(vector) if vectors.contains(&vector) => {}
                Some(vector) => vectors.push(vector),
            }
        }
        let names: Vec<Ident> = single.iter().filter_map(|v| self.name_of(*v)).collect();
        if vectors.is_empty() {
            let ty = (!names.is_empty()).then(|| result_type(0, names.len()));
            let outside = match single[..] {
                [_] => names.clone(),
                _ => self.coins_together(&single),
            };
            return (outside, coins(&names), ty);
        }
        let mut values: Vec<TokenStream> = vectors.iter().map(|name| quote!(#name)).collect();
        if !names.is_empty() {
            vectors.push(self.vector(&single));
            values.push(quote!(vec![#(#names),*]));
        }
        let ty = several(quote!(Vec<Coin>), vectors.len());
        (vectors, list(&values), ty)
    }

    /// The vector that a coin came in.
    pub fn vector_of(&self, coin: Value) -> Option<Ident> {
        self.vectors.get(&coin).map(|(vector, _)| vector.clone())
    }

    /// The element of a vector that a coin is.
    pub(super) fn element(&self, coin: Value) -> Option<TokenStream> {
        let (vector, at) = self.vectors.get(&coin)?;
        let at = Literal::usize_unsuffixed(*at);
        Some(quote!(#vector[#at]))
    }
}
