//! The interpreter that all guests share, and programs: modules that were compiled and linked once, and
//! of which any number of processes are started.

use crate::guest::{self, Guest};
use crate::process::Process;
use crate::{csp, wasi};
use std::fmt;
use std::sync::Arc;
use wasmi::{CompilationMode, Config, EnforcedLimits, Engine, ExternType, Linker, Module};

/// What a guest may use.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The bytes of its memory.
    pub memory: usize,
    /// The elements of its table.
    pub table: usize,
    /// The fuel after which it lets others run: about as many instructions.
    pub slice: u64,
    /// The fuel of its whole life; `None`: no end.
    pub fuel: Option<u64>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory: 16 << 20, table: 10_000, slice: 50_000, fuel: None }
    }
}

/// Compiles programs. A clone is the same host.
#[derive(Clone, Debug)]
pub struct Host {
    engine: Engine,
    limits: Limits,
}

/// A module, ready to be run any number of times. A clone is the same program.
#[derive(Clone)]
pub struct Program {
    pub(crate) shared: Arc<Linked>,
}

/// What the processes of a program share.
pub(crate) struct Linked {
    pub(crate) module: Module,
    pub(crate) linker: Linker<Guest>,
    pub(crate) limits: Limits,
}

/// Why a module cannot be run.
#[derive(Debug)]
pub struct ProgramError(String);

impl Host {
    /// A host whose guests have these limits.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let mut config = Config::default();
        config
            .consume_fuel(true)
            .set_max_recursion_depth(10_000)
            // Else the first guest of a program would pay for its compilation.
            .compilation_mode(CompilationMode::Eager)
            .enforced_limits(EnforcedLimits::strict())
            // It would run before there is anything to suspend.
            .allow_start_fn(false);
        Self { engine: Engine::new(&config), limits }
    }

    /// Compiles a module, in the binary format or as text.
    pub fn program(&self, source: impl AsRef<[u8]>) -> Result<Program, ProgramError> {
        let binary = wat::parse_bytes(source.as_ref()).map_err(|error| ProgramError(error.to_string()))?;
        let module = Module::new(&self.engine, &binary)?;
        let mut linker = Linker::new(&self.engine);
        csp::define(&mut linker)?;
        wasi::define(&mut linker)?;
        wasi::refuse_the_rest(&mut linker, &module);
        let linked = Linked { module, linker, limits: self.limits.clone() };
        check(&linked)?;
        Ok(Program { shared: Arc::new(linked) })
    }
}

/// Finds out now what would otherwise be found when the first process starts: starts one, which has no
/// start function and so runs no code.
fn check(program: &Linked) -> Result<(), ProgramError> {
    let Linked { module, linker, limits } = program;
    let mut store = guest::store(module.engine(), Guest::new(limits, Vec::new(), Vec::new()));
    linker.instantiate_and_start(&mut store, module)?;
    match module.get_export("_start") {
        Some(ExternType::Func(ty)) if ty.params().is_empty() && ty.results().is_empty() => {}
        _ => {
            return Err(ProgramError(
                "it exports no function `_start` without parameters and results".into(),
            ));
        }
    }
    match module.get_export("memory") {
        Some(ExternType::Memory(_)) => Ok(()),
        _ => Err(ProgramError("it exports no memory `memory`".into())),
    }
}

impl Program {
    /// A process that is not started yet, and has no ends.
    #[must_use]
    pub fn process(&self) -> Process {
        Process::new(self.clone())
    }
}

impl<E: Into<wasmi::Error>> From<E> for ProgramError {
    fn from(error: E) -> Self {
        Self(error.into().to_string())
    }
}

impl fmt::Display for ProgramError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "this module cannot be run: {}", self.0)
    }
}

impl std::error::Error for ProgramError {}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program").field("limits", &self.shared.limits).finish_non_exhaustive()
    }
}
