//! The root of generated code: the typed interface over all parties.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;
use smpc_grammar::Sources;
use smpc_ir::party::{Party, Program};
use smpc_ir::share::{Param, SizeOrigin, Type};
use smpc_ir::{Identity, Size};

use crate::Options;
use crate::description::{description, optional};
use crate::docs;
use crate::facts::Facts;
use crate::layout::Layout;
use crate::mentioned::Mentioned;
use crate::name;
use crate::typed::{Seen, Told, scalar, script_type};

/// What code is generated for.
pub(crate) struct Subject<'a> {
    pub program: &'a Program,
    pub facts: &'a Facts<'a>,
    pub sources: &'a Sources,
    pub options: &'a Options<'a>,
    pub layout: &'a Layout,
    /// The path of the runtime.
    pub runtime: TokenStream,
    /// Every output.
    pub told: Vec<Told>,
}

impl Subject<'_> {
    pub fn party_name(&self, party: Party) -> &str {
        let name = self.program.parties.get(usize::from(party.0));
        name.map_or("", String::as_str)
    }

    pub fn parties(&self) -> impl Iterator<Item = Party> {
        (0..self.program.parties.len()).filter_map(|i| u8::try_from(i).ok().map(Party))
    }

    /// Whether the party has inputs.
    pub fn gives(&self, party: Party) -> bool {
        self.program.inputs.iter().any(|i| i.party == party.0)
    }

    /// The outputs of a party.
    pub fn seen(&self, party: Party) -> impl Iterator<Item = (&Told, Seen<'_>)> {
        let bits = self.program.ring_bits;
        let all = self.told.iter();
        all.filter_map(move |told| Some((told, told.seen(party, bits)?)))
    }

    /// Whether the party has outputs.
    pub fn is_told(&self, party: Party) -> bool {
        self.seen(party).next().is_some()
    }

    /// The field of an input among those of its party.
    pub fn field(&self, input: usize) -> Option<Ident> {
        let party = self.program.inputs.get(input)?.party;
        let mut names = name::Names::default();
        let all = self.program.inputs.iter().enumerate();
        let mut own = all.filter(|(_, i)| i.party == party).map(|(at, input)| {
            let file = name::snake(&input.file);
            let field = names.unique(&match &input.column {
                Some(column) => format!("{file}_{}", name::snake(column)),
                None => file,
            });
            (at, field)
        });
        own.find(|(at, _)| *at == input).map(|(_, field)| field)
    }

    /// The public values as the code takes them, made of those that entries take.
    pub fn public(&self, actual: &[TokenStream]) -> TokenStream {
        if self.layout.publics.is_empty() {
            quote!(raw::Public::default())
        } else {
            quote!(public(#(#actual),*)?)
        }
    }

    /// The constant of a size that is fixed.
    pub fn constant(&self, script: &str) -> Option<Ident> {
        let fixed = self.options.sizes.iter().find(|(name, _)| name == script);
        fixed.map(|(name, _)| Ident::new(&name::constant(name), proc_macro2::Span::call_site()))
    }

    /// Dimensions as the end of a sentence.
    pub fn dims(&self, shape: &[Size]) -> String {
        if shape.is_empty() {
            return String::new();
        }
        let sizes = &self.program.sizes;
        let dims: Vec<String> = shape
            .iter()
            .map(|dim| smpc_ir::share::size_shown(dim, sizes))
            .collect();
        format!("; shape `[{}]`", dims.join(", "))
    }

    fn input_sizes(&self) -> impl Iterator<Item = (&smpc_ir::share::SizeInfo, usize, u8)> {
        let sizes = self.program.sizes.iter();
        sizes.filter_map(|info| match info.origin {
            SizeOrigin::Input { input, axis } => Some((info, input as usize, axis)),
            _ => None,
        })
    }

    /// Sizes that are not fixed.
    fn open_sizes(&self) -> Vec<(&Ident, usize, u8)> {
        self.input_sizes()
            .filter(|(info, ..)| self.constant(&info.name).is_none())
            .filter_map(|(info, input, axis)| {
                Some((self.layout.public_named(&info.name)?, input, axis))
            })
            .collect()
    }

    /// Parameters that are not fixed.
    fn open_params(&self) -> Vec<(&Ident, &Param)> {
        let params = self.program.params.iter().zip(&self.layout.params);
        params
            .filter(|(param, _)| self.constant(&param.name).is_none())
            .map(|(param, name)| (name, param))
            .collect()
    }
}

/// The public values that entries take.
pub(crate) struct Arguments {
    /// As declared.
    pub formal: Vec<TokenStream>,
    /// As handed on.
    pub actual: Vec<TokenStream>,
}

pub(crate) fn arguments(subject: &Subject<'_>) -> Arguments {
    let (mut formal, mut actual) = (vec![], vec![]);
    if !subject.open_params().is_empty() {
        formal.push(quote!(params: &Params));
        actual.push(quote!(params));
    }
    if !subject.open_sizes().is_empty() {
        formal.push(quote!(sizes: &Sizes));
        actual.push(quote!(sizes));
    }
    Arguments { formal, actual }
}

/// The lines of documentation of the whole.
pub(crate) fn heading(subject: &Subject<'_>, identity: &Identity) -> Vec<String> {
    let mut lines = docs::head(subject.sources, smpc_grammar::ast::FileId(0));
    if !lines.is_empty() {
        lines.push(String::new());
    }
    let (script, scheme) = (&identity.script.0, &identity.scheme.0);
    lines.push(if script.is_empty() {
        format!(" Generated from `{}` by smpc.", subject.options.name)
    } else {
        format!(" Generated by smpc from `{script}` under `{scheme}`.")
    });
    lines
}

/// The items of the root but the modules.
pub(crate) fn root(subject: &Subject<'_>, identity: &Identity) -> TokenStream {
    let (program, layout) = (subject.program, subject.layout);
    let runtime = &subject.runtime;
    let names = &program.parties;
    let consts = &layout.parties;
    let numbers = (0..names.len()).map(Literal::usize_unsuffixed);
    let party_docs = names.iter().map(|name| format!(" `{name}`."));
    let count = Literal::usize_unsuffixed(names.len());
    let description = description(program, identity);
    let fixed = fixed(subject);
    let params = params(subject);
    let sizes = sizes(subject);
    let public = public(subject);
    let (inputs, outputs, run) = together(subject);
    let body = quote!(#params #sizes #public #inputs #outputs #run);
    let uses = imports(subject, &body);
    quote! {
        use #runtime::command;
        #uses

        /// The parties, by position.
        pub mod party {
            #(#[doc = #party_docs] pub const #consts: usize = #numbers;)*
            /// Their names in the script.
            pub const NAMES: [&str; #count] = [#(#names),*];
        }

        #fixed

        /// What the program is, and what it is started with.
        pub const DESCRIPTION: command::Description<'static> = #description;

        #body
    }
}

fn imports(subject: &Subject<'_>, body: &TokenStream) -> TokenStream {
    let runtime = &subject.runtime;
    let mentioned = Mentioned::new(body);
    let used = |names: &[&str]| -> Vec<Ident> {
        let names = names.iter().filter(|name| mentioned.has(name));
        names.map(|name| quote::format_ident!("{name}")).collect()
    };
    let typed = used(&["length", "parameter"]);
    let typed = (!typed.is_empty()).then(|| quote!(use #runtime::typed::{#(#typed),*};));
    let element = used(&["Element"]);
    let element = (!element.is_empty()).then(|| quote!(use #runtime::files::Element;));
    quote!(#typed #element use #runtime::endpoint::Failure;)
}

/// The sizes and parameters that are constants.
fn fixed(subject: &Subject<'_>) -> TokenStream {
    if subject.options.sizes.is_empty() {
        return quote!();
    }
    let all = subject.options.sizes.iter().filter_map(|(name, value)| {
        let (constant, value) = (subject.constant(name)?, crate::formula::signed(*value));
        let doc = format!(" The size `{name}`.");
        Some(quote!(#[doc = #doc] pub const #constant: i128 = #value;))
    });
    quote! {
        /// Sizes that the program was built for.
        pub mod sizes { #(#all)* }
    }
}

fn params(subject: &Subject<'_>) -> TokenStream {
    let open = subject.open_params();
    if open.is_empty() {
        return quote!();
    }
    let fields = open.iter().map(|(name, param)| {
        let ty = scalar(param.ty, false, subject.program.ring_bits);
        let mut own = format!("`{}`: {}", param.name, docs::kind(param.ty, false));
        if let Some(default) = param.default {
            own.push_str(&format!("; by default {}", literal(param.ty, default)));
        }
        own.push('.');
        let docs = docs::joined(docs::above(subject.sources, param.source), &own);
        quote!(#(#[doc = #docs])* pub #name: #ty,)
    });
    let defaults: Option<Vec<_>> = open
        .iter()
        .map(|(name, param)| {
            let value = literal(param.ty, param.default?);
            Some(quote!(#name: #value))
        })
        .collect();
    let default = defaults.map(|values| {
        quote! {
            impl Default for Params {
                /// As the script says.
                fn default() -> Self {
                    Self { #(#values),* }
                }
            }
        }
    });
    quote! {
        /// Public parameters, the same at every party.
        #[derive(Clone, Debug, PartialEq)]
        pub struct Params { #(#fields)* }

        #default
    }
}

/// A value of the script as a literal of its Rust type.
fn literal(ty: Type, value: i128) -> TokenStream {
    match ty {
        Type::Fix(_) => {
            let float = value as f64 / 18_446_744_073_709_551_616.0;
            let magnitude = Literal::f64_unsuffixed(float.abs());
            if float < 0.0 {
                quote!(-#magnitude)
            } else {
                quote!(#magnitude)
            }
        }
        Type::Bits(1) => {
            let value = value != 0;
            quote!(#value)
        }
        Type::Bits(_) => {
            let value = Literal::u128_unsuffixed(value.cast_unsigned());
            quote!(#value)
        }
        Type::Int => crate::formula::signed(value),
    }
}

fn sizes(subject: &Subject<'_>) -> TokenStream {
    let open = subject.open_sizes();
    if open.is_empty() {
        return quote!();
    }
    let fields = open.iter().map(|(name, input, axis)| {
        let input = subject.program.inputs.get(*input);
        let file = input.map_or("", |i| &i.file);
        let owner = input.map_or("", |i| subject.party_name(Party(i.party)));
        let doc = format!(" The length of axis {axis} of `{file}` of `{owner}`.");
        quote!(#[doc = #doc] pub #name: usize,)
    });
    let values = open.iter().map(|(name, input, axis)| {
        let party = subject.program.inputs.get(*input).map(|i| i.party);
        let module = party.and_then(|p| subject.layout.modules.get(usize::from(p)));
        let field = subject.field(*input);
        let axis = Literal::u8_unsuffixed(*axis);
        quote!(#name: length(&inputs.#module.#field, #axis))
    });
    quote! {
        /// The sizes of all inputs, which every party knows.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Sizes { #(#fields)* }

        impl Sizes {
            /// The sizes that inputs have.
            pub fn of(inputs: &Inputs) -> Self {
                Self { #(#values),* }
            }
        }
    }
}

/// The function from typed public values to those of the code.
fn public(subject: &Subject<'_>) -> TokenStream {
    if subject.layout.publics.is_empty() {
        return quote!();
    }
    let arguments = arguments(subject);
    let formal = &arguments.formal;
    let sizes = subject.input_sizes().filter_map(|(info, ..)| {
        let name = subject.layout.public_named(&info.name)?;
        Some(match subject.constant(&info.name) {
            Some(constant) => quote!(#name: sizes::#constant),
            None => quote!(#name: sizes.#name as i128),
        })
    });
    let pairs = subject.program.params.iter().zip(&subject.layout.params);
    let params = pairs.map(|(param, name)| {
        if let Some(constant) = subject.constant(&param.name) {
            return quote!(#name: sizes::#constant);
        }
        let (shown, ty) = (&param.name, script_type(param.ty));
        let bits = Literal::u8_unsuffixed(subject.program.ring_bits);
        let default = optional(param.default.filter(|_| matches!(param.ty, Type::Fix(_))));
        let element = quote!(Element {
            ty: command::Type::#ty,
            text: false,
            ring_bits: #bits,
            modulus: None,
        });
        quote!(#name: parameter(#shown, &params.#name, #element, #default)?)
    });
    let values = sizes.chain(params);
    quote! {
        /// Public values as the code takes them.
        fn public(#(#formal),*) -> Result<raw::Public, Failure> {
            Ok(raw::Public { #(#values),* })
        }
    }
}

/// Inputs and outputs of all parties, and the run of all of them in one process.
fn together(subject: &Subject<'_>) -> (TokenStream, TokenStream, TokenStream) {
    let layout = subject.layout;
    let runtime = &subject.runtime;
    let module = |party: &Party| &layout.modules[usize::from(party.0)];
    let number = |party: &Party| layout.party(*party);
    let giving: Vec<Party> = subject.parties().filter(|p| subject.gives(*p)).collect();
    let told: Vec<Party> = subject.parties().filter(|p| subject.is_told(*p)).collect();
    let field = |party: &Party, what: &str, ty: TokenStream| {
        let (module, full) = (module(party), subject.party_name(*party));
        let doc = format!(" {what} `{full}`.");
        quote!(#[doc = #doc] pub #module: #module::#ty,)
    };
    let inputs = (!giving.is_empty()).then(|| {
        let fields = giving.iter().map(|p| field(p, "Of", quote!(Inputs)));
        quote! {
            /// The inputs of all parties, for runs in one process.
            #[derive(Clone, Debug, Default, PartialEq)]
            pub struct Inputs { #(#fields)* }
        }
    });
    let outputs = (!told.is_empty()).then(|| {
        let fields = told.iter().map(|p| field(p, "Of", quote!(Outputs)));
        quote! {
            /// The outputs of all parties.
            #[derive(Clone, Debug, Default, PartialEq)]
            pub struct Outputs { #(#fields)* }
        }
    });
    let arguments = arguments(subject);
    let takes_params = !subject.open_params().is_empty();
    let formal = takes_params.then(|| quote!(params: &Params,));
    let formal_inputs = (!giving.is_empty()).then(|| quote!(inputs: &Inputs,));
    let actual = arguments.actual.iter().map(|name| {
        if name.to_string() == "sizes" {
            quote!(&Sizes::of(inputs))
        } else {
            name.clone()
        }
    });
    let public = subject.public(&actual.collect::<Vec<_>>());
    let own = if giving.is_empty() {
        quote!(let own = raw::Inputs::default();)
    } else {
        let arms = giving.iter().map(|p| {
            let (number, module) = (number(p), module(p));
            quote!(party::#number => inputs.#module.raw()?,)
        });
        quote!(let own = match party { #(#arms)* _ => raw::Inputs::default(), };)
    };
    let (result, finish) = if told.is_empty() {
        (quote!(()), quote!(Ok(())))
    } else {
        let fields = told.iter().map(|p| {
            let (number, module) = (number(p), module(p));
            quote!(#module: #module::Outputs::from_raw(&runs[party::#number].0)?)
        });
        (quote!(Outputs), quote!(Ok(Outputs { #(#fields),* })))
    };
    let runs = (!told.is_empty()).then(|| quote!(let runs =));
    let run = quote! {
        /// Carries out every party in this process, each on a thread of its own with its own
        /// inputs only. Without a seed keys come from the operating system; with one the run can
        /// be repeated.
        ///
        /// # Errors
        /// An input does not fit, or the values do not allow an operation.
        pub fn run_locally(
            #formal
            #formal_inputs
            seed: Option<u64>,
        ) -> Result<#result, Failure> {
            let public = #public;
            #runs #runtime::endpoint::run_locally(&party::NAMES, |party, channel| {
                #own
                raw::run(party, channel, &public, &own, seed)
            })?;
            #finish
        }
    };
    (quote!(#inputs), quote!(#outputs), run)
}
