//! The library as it comes, without bounds: what an expression is measured against.

use anyhow::{Result, anyhow};
use jaq_core::data::JustLut;
use jaq_core::load::{Arena, File, Loader};
use jaq_core::{Compiler, Ctx, Filter, Vars, unwrap_valr};
use jaq_json::Val;

/// A compiled program.
pub(crate) struct PlainJaq(Filter<JustLut<Val>>);

impl PlainJaq {
    pub(crate) fn compile(text: &str) -> Result<Self> {
        let definitions = jaq_core::defs()
            .chain(jaq_std::defs())
            .chain(jaq_json::defs());
        let arena = Arena::default();
        let file = File {
            code: text,
            path: (),
        };
        let modules = Loader::new(definitions)
            .load(&arena, file)
            .map_err(|_| anyhow!("{text} is no program"))?;
        let functions = jaq_core::funs()
            .chain(jaq_std::funs())
            .chain(jaq_json::funs());
        let filter = Compiler::default()
            .with_funs(functions)
            .compile(modules)
            .map_err(|_| anyhow!("{text} does not compile"))?;
        Ok(Self(filter))
    }

    /// Its first output, where there is one and nothing fails.
    pub(crate) fn first(&self, input: &Val) -> Option<Val> {
        let context = Ctx::<JustLut<Val>>::new(&self.0.lut, Vars::new([]));
        let mut outputs = self.0.id.run((context, input.clone())).map(unwrap_valr);
        outputs.next()?.ok()
    }
}
