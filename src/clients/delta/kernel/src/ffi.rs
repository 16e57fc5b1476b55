//! The C entry points; their contract is written in `mms_delta.h`.
//!
//! Each one only converts arguments and results. `guard` keeps panics on this side of the border.

use std::ffi::{c_char, CStr, CString};
use std::panic::{catch_unwind, set_hook, AssertUnwindSafe};
use std::ptr::null_mut;
use std::sync::Once;

use delta_kernel::arrow::ffi::FFI_ArrowSchema;
use delta_kernel::arrow::ffi_stream::FFI_ArrowArrayStream;

use crate::failure::{Failure, Outcome};
use crate::files::FileStream;
use crate::table::{removed_rows_at, Table, Vector};
use crate::transport::{Answer, Failed, Transport, TransportIn};
use crate::{changes, log_end};

/// `struct mms_delta_error`.
#[repr(C)]
pub struct ErrorOut {
    code: i32,
    message: *mut c_char,
    feature: *mut c_char,
}

/// `struct mms_delta_vector`.
#[repr(C)]
pub struct VectorIn {
    storage_type: *const c_char,
    path_or_inline: *const c_char,
    offset: i32,
    size_bytes: i32,
    cardinality: i64,
}

static SILENCE_PANICS: Once = Once::new();

/// Runs `call`, turns its failure or panic into a code, and fills `error` if there is one.
///
/// # Safety
/// `error` is null or points to a writable `mms_delta_error`.
unsafe fn guard(error: *mut ErrorOut, call: impl FnOnce() -> Outcome<()>) -> i32 {
    // The default hook prints to stderr, which belongs to the program around us.
    SILENCE_PANICS.call_once(|| set_hook(Box::new(|_| {})));
    let failure = match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(())) => return 0,
        Ok(Err(failure)) => failure,
        Err(panic) => {
            let text = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied())
                .unwrap_or("no text");
            Failure::internal(format!("panic in the Delta reader: {text}"))
        }
    };
    report(error, &failure)
}

unsafe fn report(error: *mut ErrorOut, failure: &Failure) -> i32 {
    if !error.is_null() {
        error.write(ErrorOut {
            code: failure.code as i32,
            message: c_text(&failure.message),
            feature: failure.feature.as_deref().map_or(null_mut(), c_text),
        });
    }
    failure.code as i32
}

/// A NUL inside the text, which C could not see past, becomes '?'.
fn c_text(text: &str) -> *mut c_char {
    CString::new(text.replace('\0', "?"))
        .unwrap_or_default()
        .into_raw()
}

unsafe fn text_in<'a>(text: *const c_char, what: &str) -> Outcome<&'a str> {
    if text.is_null() {
        return Err(Failure::argument(format!("{what} is NULL")));
    }
    CStr::from_ptr(text)
        .to_str()
        .map_err(|_| Failure::argument(format!("{what} is not UTF-8")))
}

unsafe fn table_in<'a>(table: *const Table) -> Outcome<&'a Table> {
    table
        .as_ref()
        .ok_or_else(|| Failure::argument("table is NULL"))
}

unsafe fn free_text(text: *mut c_char) {
    if !text.is_null() {
        drop(CString::from_raw(text));
    }
}

/// # Safety
/// See `mms_delta.h`; so for every function below.
#[no_mangle]
pub unsafe extern "C" fn mms_delta_error_free(error: *mut ErrorOut) {
    if let Some(error) = error.as_mut() {
        free_text(error.message);
        free_text(error.feature);
        error.message = null_mut();
        error.feature = null_mut();
    }
}

#[no_mangle]
pub unsafe extern "C" fn mms_delta_text_free(text: *mut c_char) {
    free_text(text);
}

#[no_mangle]
pub unsafe extern "C" fn mms_delta_open(
    url: *const c_char,
    options: *const c_char,
    version: i64,
    transport: *const TransportIn,
    table: *mut *mut Table,
    error: *mut ErrorOut,
) -> i32 {
    guard(error, || {
        // First, so that the context is released whatever comes.
        let transport = transport.as_ref().map(|raw| Transport::new(*raw));
        let opened = Table::open(
            text_in(url, "url")?,
            text_in(options, "options")?,
            u64::try_from(version).ok(),
            transport,
        )?;
        table.write(Box::into_raw(Box::new(opened)));
        Ok(())
    })
}

#[no_mangle]
pub unsafe extern "C" fn mms_delta_answer_status(answer: *mut Answer, status: i32) {
    if let Some(answer) = answer.as_mut() {
        answer.status = u16::try_from(status).unwrap_or(0);
    }
}

#[no_mangle]
pub unsafe extern "C" fn mms_delta_answer_header(
    answer: *mut Answer,
    name: *const c_char,
    value: *const c_char,
) {
    if let (Some(answer), Ok(name), Ok(value)) = (
        answer.as_mut(),
        text_in(name, "name"),
        text_in(value, "value"),
    ) {
        answer.headers.push((name.to_string(), value.to_string()));
    }
}

#[no_mangle]
pub unsafe extern "C" fn mms_delta_answer_body(
    answer: *mut Answer,
    bytes: *const c_char,
    size: usize,
) {
    if let Some(answer) = answer.as_mut() {
        if size > 0 && !bytes.is_null() {
            let piece = std::slice::from_raw_parts(bytes.cast(), size);
            answer.body.extend_from_slice(piece);
        }
    }
}

#[no_mangle]
pub unsafe extern "C" fn mms_delta_answer_failed(
    answer: *mut Answer,
    may_pass: i32,
    message: *const c_char,
) {
    if let Some(answer) = answer.as_mut() {
        let message = text_in(message, "message").unwrap_or("no text").to_string();
        answer.failure = Some(Failed {
            may_pass: may_pass != 0,
            message,
        });
    }
}

#[no_mangle]
pub unsafe extern "C" fn mms_delta_close(table: *mut Table) {
    guard(null_mut(), || {
        if !table.is_null() {
            drop(Box::from_raw(table));
        }
        Ok(())
    });
}

#[no_mangle]
pub unsafe extern "C" fn mms_delta_info(
    table: *const Table,
    json: *mut *mut c_char,
    error: *mut ErrorOut,
) -> i32 {
    guard(error, || {
        json.write(c_text(&table_in(table)?.info()?));
        Ok(())
    })
}

#[no_mangle]
pub unsafe extern "C" fn mms_delta_schemas(
    table: *const Table,
    logical: *mut FFI_ArrowSchema,
    physical: *mut FFI_ArrowSchema,
    error: *mut ErrorOut,
) -> i32 {
    guard(error, || {
        let (users, files) = table_in(table)?.schemas()?;
        let users = FFI_ArrowSchema::try_from(&users).map_err(Failure::internal)?;
        let files = FFI_ArrowSchema::try_from(&files).map_err(Failure::internal)?;
        logical.write(users);
        physical.write(files);
        Ok(())
    })
}

#[no_mangle]
pub unsafe extern "C" fn mms_delta_files(
    table: *const Table,
    with_statistics: i32,
    stream: *mut FFI_ArrowArrayStream,
    error: *mut ErrorOut,
) -> i32 {
    guard(error, || {
        let files = FileStream::open(table_in(table)?, with_statistics != 0)?;
        stream.write(FFI_ArrowArrayStream::new(Box::new(files)));
        Ok(())
    })
}

#[no_mangle]
pub unsafe extern "C" fn mms_delta_changes(
    table: *const Table,
    from: u64,
    json: *mut *mut c_char,
    error: *mut ErrorOut,
) -> i32 {
    guard(error, || {
        json.write(c_text(&changes::list(table_in(table)?, from)?));
        Ok(())
    })
}

#[no_mangle]
pub unsafe extern "C" fn mms_delta_log_end(
    url: *const c_char,
    options: *const c_char,
    known: u64,
    transport: *const TransportIn,
    json: *mut *mut c_char,
    error: *mut ErrorOut,
) -> i32 {
    guard(error, || {
        // First, so that the context is released whatever comes.
        let transport = transport.as_ref().map(|raw| Transport::new(*raw));
        let options = text_in(options, "options")?;
        let end = log_end::find(text_in(url, "url")?, (options, transport), known)?;
        json.write(c_text(&end));
        Ok(())
    })
}

#[no_mangle]
pub unsafe extern "C" fn mms_delta_stream_error(table: *const Table, error: *mut ErrorOut) -> i32 {
    guard(error, || {
        let slot = &table_in(table)?.stream_failure;
        let failure = slot.lock().ok().and_then(|mut slot| slot.take());
        failure.map_or(Ok(()), Err)
    })
}

#[no_mangle]
pub unsafe extern "C" fn mms_delta_removed_rows(
    table: *const Table,
    vector: *const VectorIn,
    rows: *mut *mut u64,
    count: *mut usize,
    error: *mut ErrorOut,
) -> i32 {
    guard(error, || {
        let positions = table_in(table)?.removed_rows(&vector_in(vector)?)?;
        write_rows(positions, rows, count);
        Ok(())
    })
}

#[no_mangle]
pub unsafe extern "C" fn mms_delta_removed_rows_at(
    url: *const c_char,
    options: *const c_char,
    transport: *const TransportIn,
    vector: *const VectorIn,
    rows: *mut *mut u64,
    count: *mut usize,
    error: *mut ErrorOut,
) -> i32 {
    guard(error, || {
        // First, so that the context is released whatever comes.
        let transport = transport.as_ref().map(|raw| Transport::new(*raw));
        let access = (text_in(options, "options")?, transport);
        let positions = removed_rows_at(text_in(url, "url")?, access, &vector_in(vector)?)?;
        write_rows(positions, rows, count);
        Ok(())
    })
}

unsafe fn vector_in<'a>(vector: *const VectorIn) -> Outcome<Vector<'a>> {
    let vector = vector
        .as_ref()
        .ok_or_else(|| Failure::argument("vector is NULL"))?;
    Ok(Vector {
        storage_type: text_in(vector.storage_type, "storage_type")?,
        path_or_inline: text_in(vector.path_or_inline, "path_or_inline")?,
        offset: vector.offset,
        size_bytes: vector.size_bytes,
        cardinality: vector.cardinality,
    })
}

unsafe fn write_rows(positions: Vec<u64>, rows: *mut *mut u64, count: *mut usize) {
    let positions = positions.into_boxed_slice();
    count.write(positions.len());
    rows.write(Box::into_raw(positions).cast());
}

#[no_mangle]
pub unsafe extern "C" fn mms_delta_rows_free(rows: *mut u64, count: usize) {
    if !rows.is_null() {
        drop(Box::from_raw(std::ptr::slice_from_raw_parts_mut(
            rows, count,
        )));
    }
}
