//! Coins that are reserved together: they stand in a vector and are passed on in it.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;
use smpc_ir::party::Value;

use super::Emitter;
use crate::functions::{coins, list, result_type, several};

impl Emitter<'_> {
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
