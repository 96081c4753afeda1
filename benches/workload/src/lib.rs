//! Times hchan's channels and runtime against others. The program is `scoreboard`; with criterion's
//! statistics, it is `cargo bench`. The shapes are in `shapes`, who takes part in `channels` and `runtimes`,
//! and the rows in `rows`; a row is measured by `child`, all by `table`, and shown by `markdown` and `plot`.

pub mod arguments;
pub mod channels;
pub mod child;
pub mod go;
pub mod heap;
pub mod machine;
pub mod markdown;
pub mod park;
pub mod plot;
pub mod results;
pub mod rows;
pub mod runtime;
pub mod runtimes;
pub mod shapes;
pub mod table;
