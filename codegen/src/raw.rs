//! The module `raw` of generated code: public values, inputs and outputs as tensors, and the entry
//! that takes them.

use proc_macro2::{Literal, TokenStream};
use quote::quote;
use smpc_grammar::Sources;
use smpc_ir::Size;
use smpc_ir::party::Program;

use crate::formula::signed;
use crate::layout::Layout;
use crate::mentioned::Mentioned;
use crate::{Unsupported, name, size};

pub(crate) fn raw(
    program: &Program,
    sources: &Sources,
    layout: &Layout,
    fixed: &[(String, i128)],
    runtime: &TokenStream,
) -> Result<TokenStream, Unsupported> {
    let names = &program.parties;
    let (modules, consts) = (&layout.modules, &layout.parties);
    let public_fields = layout.publics.iter().map(|p| {
        let (name, doc) = (&p.name, &p.doc);
        quote!(#[doc = #doc] pub #name: i128,)
    });
    let input_fields = program
        .inputs
        .iter()
        .zip(&layout.inputs)
        .map(|(input, name)| {
            let owner = names.get(usize::from(input.party));
            let owner = owner.map_or("", String::as_str);
            let column = input.column.as_ref();
            let column = column.map_or(String::new(), |c| format!(", column `{c}`"));
            let doc = format!(" `{}`{column} of `{owner}`.", input.file);
            quote!(#[doc = #doc] pub #name: Option<Tensor>,)
        });
    let output_fields = layout.outputs.iter().map(|(own, field, name)| {
        let doc = match field {
            Some(at) => format!(" Member {at} of `{own}`, each time it was handed out."),
            None => format!(" `{own}`, each time it was handed out."),
        };
        quote!(#[doc = #doc] pub #name: Vec<Tensor>,)
    });
    let output_names = layout.outputs.iter().map(|(own, field, name)| {
        let shown = match field {
            Some(at) => format!("{own}.{at}"),
            None => own.clone(),
        };
        quote!((#shown, self.#name))
    });
    let check = check(program, sources, layout, fixed)?;
    let call = (!check.is_empty()).then(|| quote!(public.check()?;));
    let public_names = layout.publics.iter().map(|p| &p.name);
    let input_names = &layout.inputs;
    let (public_values, public_next) = if layout.publics.is_empty() {
        (quote!(_values), quote!())
    } else {
        let next = quote! {
            let mut values = values.iter().copied();
            let mut next = || values.next().unwrap_or_default();
        };
        (quote!(values), next)
    };
    let (input_values, input_next) = if layout.inputs.is_empty() {
        (quote!(_values), quote!())
    } else {
        let next = quote! {
            let mut values = values.into_iter();
            let mut next = || values.next().flatten();
        };
        (quote!(values), next)
    };
    let set_consts = layout.sets.iter().enumerate().map(|(number, (set, name))| {
        let members = set.iter().filter_map(|p| names.get(usize::from(p.0)));
        let members: Vec<String> = members.map(|name| format!("`{name}`")).collect();
        let doc = format!(" Coins of {}.", members.join(", "));
        let number = Literal::usize_unsuffixed(number);
        quote!(#[doc = #doc] pub const #name: usize = #number;)
    });
    let set_lists = layout.sets.iter().map(|(set, _)| {
        let members = set.iter().map(|p| Literal::u8_unsuffixed(p.0));
        quote!(&[#(#members),*])
    });
    let sets = Literal::usize_unsuffixed(layout.sets.len());
    Ok(quote! {
        use super::{#(#modules,)* party};
        use #runtime::prelude::*;

        /// Streams of coins that sets of parties share.
        pub mod coins {
            #(#set_consts)*
            /// Members of each set, by position.
            pub const SETS: [&[usize]; #sets] = [#(#set_lists),*];
        }

        /// What every party knows before the run: sizes and parameters.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Public { #(#public_fields)* }

        impl Public {
            /// From values in the order of the fields; what is missing is 0.
            pub fn from_list(#public_values: &[i128]) -> Self {
                #public_next
                Self { #(#public_names: next()),* }
            }

            #check
        }

        /// The inputs; a party has its own.
        #[derive(Clone, Debug, Default)]
        pub struct Inputs { #(#input_fields)* }

        impl Inputs {
            /// From tensors in the order of the fields.
            pub fn from_list(#input_values: Vec<Option<Tensor>>) -> Self {
                #input_next
                Self { #(#input_names: next()),* }
            }
        }

        /// What a party was handed.
        #[derive(Clone, Debug, Default)]
        pub struct Outputs { #(#output_fields)* }

        impl Outputs {
            /// All outputs by name.
            pub fn into_list(self) -> Vec<(&'static str, Vec<Tensor>)> {
                vec![#(#output_names),*]
            }
        }

        /// Carries out one party's part over its channels to the others. Without a seed the run's
        /// keys come from the operating system; with one the run can be repeated.
        ///
        /// # Errors
        /// An input is missing, a peer is gone, or the values do not allow an operation.
        pub fn run(
            party: usize,
            channel: &mut dyn Channel,
            public: &Public,
            inputs: &Inputs,
            seed: Option<u64>,
        ) -> Result<(Outputs, Account), Failure> {
            #call
            let mut end = Endpoint::start(party, channel, seed, &coins::SETS)?;
            let mut out = Outputs::default();
            let done = match party {
                #(party::#consts => #modules::steps(&mut end, public, inputs, &mut out),)*
                _ => Err(Failure::setup("there is no such party")),
            };
            match done {
                Ok(()) => Ok((out, end.account())),
                Err(failure) => Err(end.locate(failure)),
            }
        }
    })
}

/// The function that checks sizes, if there is anything to check.
fn check(
    program: &Program,
    sources: &Sources,
    layout: &Layout,
    fixed: &[(String, i128)],
) -> Result<TokenStream, Unsupported> {
    let mut checks = vec![];
    for (public, (name, value)) in fixed
        .iter()
        .filter_map(|(name, value)| Some((layout.public_named(name)?, (name, value))))
    {
        let message = format!("the program was built for {name} = {value}, not {{}}");
        let value = signed(*value);
        checks.push(quote! {
            if #public != #value {
                return Err(Failure::setup(format!(#message, #public)));
            }
        });
    }
    let lookup = size::Names {
        name: &|var| layout.size_name(var),
        bits: &|var| layout.size_bits(var),
    };
    for guard in &program.guards {
        let missing = Unsupported {
            what: "a guard over a loop",
        };
        let left = size::size(&guard.left, &lookup).ok_or_else(|| missing.clone())?;
        let right = size::size(&guard.right, &lookup).ok_or(missing)?;
        let line = name::line(sources, guard.source);
        let at = line.map_or(String::new(), |l| format!("{}:{}: ", l.file, l.number));
        let text = |s: &Size| smpc_ir::share::size_shown(s, &program.sizes);
        let message = format!(
            "{at}sizes disagree: {} and {}",
            text(&guard.left),
            text(&guard.right)
        );
        checks.push(quote! {
            if #left != #right {
                return Err(Failure::setup(#message));
            }
        });
    }
    if checks.is_empty() {
        return Ok(quote!());
    }
    let checked = quote!(#(#checks)*);
    let mentioned = Mentioned::new(&checked);
    let used = layout.publics.iter().map(|p| &p.name);
    let used: Vec<_> = used
        .filter(|name| mentioned.has_ident(name))
        .map(|name| quote!(let #name = self.#name;))
        .collect();
    Ok(quote! {
        /// Whether sizes are as they have to be.
        fn check(&self) -> Result<(), Failure> {
            #(#used)*
            #checked
            Ok(())
        }
    })
}
