// C ABI of the Rust crate mms-delta: one Delta table at one version, read through delta_kernel.
//
// Every call returns 0, or a code above 0 with `error` filled (free it with mms_delta_error_free).
// `error` may be NULL. No call throws or unwinds; a panic inside becomes MMS_DELTA_INTERNAL.
// Strings are UTF-8 and NUL-terminated. What a call hands out belongs to the caller, who gives it
// back by the function named beside it; Arrow structures are released through their own `release`.
//
// Threads: one table may be used by one thread at a time; different tables by different threads.
// A stream outlives its table, but mms_delta_stream_error needs the table.
#ifndef MMS_DELTA_H_
#define MMS_DELTA_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// The Arrow C data interface; defined by arrow/c/abi.h.
struct ArrowSchema;
struct ArrowArrayStream;

enum mms_delta_code {
  MMS_DELTA_OK = 0,
  MMS_DELTA_FEATURE_UNSUPPORTED = 1,  // `feature` names it
  MMS_DELTA_NOT_FOUND = 2,            // no table there, or no such version, or a file is gone
  MMS_DELTA_DENIED = 3,               // the store refused the credentials
  MMS_DELTA_UNREACHABLE = 4,          // the store does not answer, or answers 5xx
  MMS_DELTA_CORRUPT = 5,              // the log or a deletion vector breaks the protocol
  MMS_DELTA_INVALID_ARGUMENT = 6,     // the caller's URL, option or descriptor is wrong
  MMS_DELTA_INTERNAL = 7,
};

struct mms_delta_error {
  int32_t code;
  char* message;
  char* feature;  // NULL unless code is MMS_DELTA_FEATURE_UNSUPPORTED
};
void mms_delta_error_free(struct mms_delta_error* error);

struct mms_delta_table;

// One HTTP request of the store: GET or HEAD, unsigned, without a body. Valid during the call.
struct mms_delta_request {
  const char* method;
  const char* url;
  const char* const* header_names;  // in lower case
  const char* const* header_values;
  size_t header_count;
};

// The answer under construction, filled by the calls below during `send` alone, by one thread:
// status, headers (names in lower case) and body, a piece at a time; or, instead, that there is
// none. `may_pass`: not 0 when the same request may work later; the store then sends it again.
struct mms_delta_answer;
void mms_delta_answer_status(struct mms_delta_answer* answer, int32_t status);
void mms_delta_answer_header(struct mms_delta_answer* answer, const char* name, const char* value);
void mms_delta_answer_body(struct mms_delta_answer* answer, const char* bytes, size_t size);
void mms_delta_answer_failed(struct mms_delta_answer* answer, int32_t may_pass,
                             const char* message);

// Sends the store's requests. `send` blocks, is called by several threads at once, adds the
// credentials, and does not throw. `release` is called once, by any thread, when nothing of the
// table is left; also when mms_delta_open fails.
struct mms_delta_transport {
  void* context;
  void (*send)(void* context, const struct mms_delta_request* request,
               struct mms_delta_answer* answer);
  void (*release)(void* context);
};

// `url`: file:///folder/ or az://container/folder/, percent-encoded. `options`: a JSON object of
// text values, the configuration keys of object_store's Azure builder. `version` < 0 = the newest.
// `transport`: needed for az, else NULL.
int32_t mms_delta_open(const char* url, const char* options, int64_t version,
                       const struct mms_delta_transport* transport, struct mms_delta_table** table,
                       struct mms_delta_error* error);
void mms_delta_close(struct mms_delta_table* table);

// JSON: {version, commit_mark|null, timestamp_ms|null, id, min_reader, reader_features[],
// partition_columns[], configuration{}, column_mapping, schema{}}. `commit_mark` is that of the
// version's commit, as in mms_delta_log_end. Free with mms_delta_text_free.
int32_t mms_delta_info(const struct mms_delta_table* table, char** json,
                       struct mms_delta_error* error);
void mms_delta_text_free(char* text);

// `logical`: all columns as users see them. `physical`: columns of the data files.
int32_t mms_delta_schemas(const struct mms_delta_table* table, struct ArrowSchema* logical,
                          struct ArrowSchema* physical, struct mms_delta_error* error);

// Live files, one row each, in columns
//   path: utf8 (as in the log, that is percent-encoded)
//   size: int64                     modification_time: int64 (ms)
//   num_records: int64, nullable    stats: utf8, nullable (only when asked for)
//   partition_values: map<utf8, utf8 nullable>, keys = physical names
//   deletion_vector: struct<storageType utf8, pathOrInlineDv utf8, offset int32 nullable,
//                           sizeInBytes int32, cardinality int64>, nullable
int32_t mms_delta_files(const struct mms_delta_table* table, int32_t with_statistics,
                        struct ArrowArrayStream* stream, struct mms_delta_error* error);

// What the commits after version `from` up to the table's own changed, actions with
// dataChange=false left out: JSON {partitions: [{values{}, version, time_ms}], last: {version,
// time_ms}|null, unattributed, metadata_changed}. `values` as partition_values above; version and
// time are those of the last commit that touched the partition. `unattributed`: some removed file's
// partition is not told. MMS_DELTA_NOT_FOUND when the log no longer holds all of the commits. Free
// with mms_delta_text_free.
int32_t mms_delta_changes(const struct mms_delta_table* table, uint64_t from, char** json,
                          struct mms_delta_error* error);

// Of a log that once ended with version `known`, by one listing: JSON {newest|null, mark|null}.
// `newest`: the highest version seen, at least when it is `known` or the one after it. `mark`:
// modification time and size of the commit `known`, null when it is gone. Free with
// mms_delta_text_free.
int32_t mms_delta_log_end(const char* url, const char* options, uint64_t known,
                          const struct mms_delta_transport* transport, char** json,
                          struct mms_delta_error* error);

// After a stream's get_next failed: why. Returns the code, 0 when no stream of this table has
// failed.
int32_t mms_delta_stream_error(const struct mms_delta_table* table, struct mms_delta_error* error);

struct mms_delta_vector {
  const char* storage_type;  // "u", "i" or "p"
  const char* path_or_inline;
  int32_t offset;  // < 0 = none
  int32_t size_bytes;
  int64_t cardinality;
};

// Positions of the removed rows in the data file, ascending. Free with mms_delta_rows_free.
int32_t mms_delta_removed_rows(const struct mms_delta_table* table,
                               const struct mms_delta_vector* vector, uint64_t** rows,
                               size_t* count, struct mms_delta_error* error);
// The same of a vector of storage type "p" whose file lies elsewhere than the table: `url` is
// az://container/ of its file, the vector's path within it az://container/file; options and
// transport as in mms_delta_open.
int32_t mms_delta_removed_rows_at(const char* url, const char* options,
                                  const struct mms_delta_transport* transport,
                                  const struct mms_delta_vector* vector, uint64_t** rows,
                                  size_t* count, struct mms_delta_error* error);
void mms_delta_rows_free(uint64_t* rows, size_t count);

#ifdef __cplusplus
}  // extern "C"
#endif

#endif  // MMS_DELTA_H_
