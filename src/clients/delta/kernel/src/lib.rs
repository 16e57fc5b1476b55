//! One Delta table at one pinned version, behind the C ABI of `mms_delta.h`.
//!
//! The crate plans and never reads table data: it replays the log (through `delta_kernel`), lists
//! the live files and decodes deletion vectors. Whoever calls it reads the data files.
//!
//! * [`table`]: open, describe, schemas, deletion vectors
//! * [`files`]: the stream of live files
//! * [`changes`]: which partitions later commits touched
//! * [`log_end`]: whether there are later commits at all
//! * [`features`]: which reader features we vouch for
//! * [`store`]: URL and options to an object store
//! * [`transport`]: the store's HTTP requests, sent by whoever opened the table
//! * [`failure`]: errors with a closed list of codes
//! * [`ffi`]: the C entry points

mod changes;
mod failure;
mod features;
mod ffi;
mod files;
mod log_end;
mod store;
mod table;
mod transport;
