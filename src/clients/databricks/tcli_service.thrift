// The SQL protocol of HiveServer2, Spark Thrift Server and Databricks: what sql_channel.h uses of
// it. Ids below 0x500 are HiveServer2's; from 0x501 on they are Databricks' additions, which other
// servers skip, as we skip what we do not list. Names on the wire are the service's methods only;
// fields travel by id, so never renumber. Fields that hold an enum are i32, since a server may send
// a number that is not in it.
//
// Sources: the public HiveServer2 protocol; what databricks-sql-connector 4.9 and databricks-jdbc
// (2025) send and expect.
namespace cpp mms.databricks.tcli

struct THandleIdentifier { 1: required binary guid, 2: required binary secret }
struct TSessionHandle {
  1: required THandleIdentifier sessionId
  0xd01: optional i32 serverProtocolVersion
}
struct TOperationHandle {
  1: required THandleIdentifier operationId
  2: required i32 operationType
  3: required bool hasResultSet
  4: optional double modifiedRowCount
}
struct TNamespace { 1: optional string catalogName, 2: optional string schemaName }

enum TStatusCode {
  SUCCESS = 0, SUCCESS_WITH_INFO = 1, STILL_EXECUTING = 2, ERROR = 3, INVALID_HANDLE = 4
}
struct TStatus {
  1: required i32 statusCode
  2: optional list<string> infoMessages
  3: optional string sqlState
  4: optional i32 errorCode
  5: optional string errorMessage
  6: optional string displayMessage
}

struct TOpenSessionReq {
  1: optional i32 clientProtocol
  2: optional string username
  4: optional map<string, string> configuration
  0x502: optional i64 clientProtocolI64
  0x504: optional TNamespace initialNamespace
  0x505: optional bool canUseMultipleCatalogs
}
struct TOpenSessionResp {
  1: required TStatus status
  2: required i32 serverProtocolVersion
  3: optional TSessionHandle sessionHandle
  4: optional map<string, string> configuration
}
struct TCloseSessionReq { 1: required TSessionHandle sessionHandle }
struct TCloseSessionResp { 1: required TStatus status }

struct TTypeQualifierValue { 1: optional i32 i32Value, 2: optional string stringValue }
struct TTypeQualifiers { 1: required map<string, TTypeQualifierValue> qualifiers }
enum TTypeId {
  BOOLEAN = 0, TINYINT = 1, SMALLINT = 2, INT = 3, BIGINT = 4, FLOAT = 5, DOUBLE = 6, STRING = 7,
  TIMESTAMP = 8, BINARY = 9, ARRAY = 10, MAP = 11, STRUCT = 12, UNION = 13, USER_DEFINED = 14,
  DECIMAL = 15, NULL_TYPE = 16, DATE = 17, VARCHAR = 18, CHAR = 19, INTERVAL_YEAR_MONTH = 20,
  INTERVAL_DAY_TIME = 21
}
struct TPrimitiveTypeEntry { 1: required i32 type, 2: optional TTypeQualifiers typeQualifiers }
// A union of six in HiveServer2; servers send the primitive entry for nested types too.
struct TTypeEntry { 1: optional TPrimitiveTypeEntry primitiveEntry }
struct TTypeDesc { 1: required list<TTypeEntry> types }
struct TColumnDesc {
  1: required string columnName
  2: required TTypeDesc typeDesc
  3: required i32 position
}
struct TTableSchema { 1: required list<TColumnDesc> columns }

struct TBoolColumn { 1: required list<bool> values, 2: required binary nulls }
struct TByteColumn { 1: required list<i8> values, 2: required binary nulls }
struct TI16Column { 1: required list<i16> values, 2: required binary nulls }
struct TI32Column { 1: required list<i32> values, 2: required binary nulls }
struct TI64Column { 1: required list<i64> values, 2: required binary nulls }
struct TDoubleColumn { 1: required list<double> values, 2: required binary nulls }
struct TStringColumn { 1: required list<string> values, 2: required binary nulls }
struct TBinaryColumn { 1: required list<binary> values, 2: required binary nulls }
// A union on the wire: exactly one is set.
struct TColumn {
  1: optional TBoolColumn boolVal
  2: optional TByteColumn byteVal
  3: optional TI16Column i16Val
  4: optional TI32Column i32Val
  5: optional TI64Column i64Val
  6: optional TDoubleColumn doubleVal
  7: optional TStringColumn stringVal
  8: optional TBinaryColumn binaryVal
}
struct TSparkArrowBatch { 1: required binary batch, 2: required i64 rowCount }
struct TSparkArrowResultLink {
  1: required string fileLink
  2: required i64 expiryTime
  3: required i64 startRowOffset
  4: required i64 rowCount
  5: required i64 bytesNum
  6: optional map<string, string> httpHeaders
}
struct TRowSet {
  1: required i64 startRowOffset
  3: optional list<TColumn> columns
  0x501: optional list<TSparkArrowBatch> arrowBatches
  0x502: optional list<TSparkArrowResultLink> resultLinks
}

enum TSparkRowSetType {
  ARROW_BASED_SET = 0, COLUMN_BASED_SET = 1, ROW_BASED_SET = 2, URL_BASED_SET = 3
}
struct TGetResultSetMetadataReq { 1: required TOperationHandle operationHandle }
struct TGetResultSetMetadataResp {
  1: required TStatus status
  2: optional TTableSchema schema
  0x501: optional i32 resultFormat
  0x502: optional bool lz4Compressed
  0x503: optional binary arrowSchema
}

struct TFetchResultsReq {
  1: required TOperationHandle operationHandle
  2: required i32 orientation = 0
  3: required i64 maxRows
  4: optional i16 fetchType
  0x501: optional i64 maxBytes
  0x502: optional i64 startRowOffset
  0x503: optional bool includeResultSetMetadata
}
struct TFetchResultsResp {
  1: required TStatus status
  2: optional bool hasMoreRows
  3: optional TRowSet results
  0x501: optional TGetResultSetMetadataResp resultSetMetadata
}

enum TOperationState {
  INITIALIZED = 0, RUNNING = 1, FINISHED = 2, CANCELED = 3, CLOSED = 4, ERROR = 5, UNKNOWN = 6,
  PENDING = 7, TIMEDOUT = 8
}
struct TGetOperationStatusReq { 1: required TOperationHandle operationHandle }
struct TGetOperationStatusResp {
  1: required TStatus status
  2: optional i32 operationState
  3: optional string sqlState
  4: optional i32 errorCode
  5: optional string errorMessage
  9: optional bool hasResultSet
  0x501: optional string displayMessage
}

struct TCancelOperationReq { 1: required TOperationHandle operationHandle }
struct TCancelOperationResp { 1: required TStatus status }
struct TCloseOperationReq { 1: required TOperationHandle operationHandle }
struct TCloseOperationResp { 1: required TStatus status }

struct TSparkGetDirectResults { 1: required i64 maxRows, 2: optional i64 maxBytes }
struct TSparkArrowTypes {
  1: optional bool timestampAsArrow
  2: optional bool decimalAsArrow
  3: optional bool complexTypesAsArrow
  4: optional bool intervalTypesAsArrow
  5: optional bool nullTypeAsArrow
}
struct TExecuteStatementReq {
  1: required TSessionHandle sessionHandle
  2: required string statement
  3: optional map<string, string> confOverlay
  4: optional bool runAsync
  5: optional i64 queryTimeout
  0x501: optional TSparkGetDirectResults getDirectResults
  0x502: optional bool canReadArrowResult
  0x503: optional bool canDownloadResult
  0x504: optional bool canDecompressLZ4Result
  0x505: optional i64 maxBytesPerFile
  0x506: optional TSparkArrowTypes useArrowNativeTypes
}
struct TSparkDirectResults {
  1: optional TGetOperationStatusResp operationStatus
  2: optional TGetResultSetMetadataResp resultSetMetadata
  3: optional TFetchResultsResp resultSet
  4: optional TCloseOperationResp closeOperation
}
struct TExecuteStatementResp {
  1: required TStatus status
  2: optional TOperationHandle operationHandle
  0x501: optional TSparkDirectResults directResults
}

service TCLIService {
  TOpenSessionResp OpenSession(1: TOpenSessionReq req)
  TCloseSessionResp CloseSession(1: TCloseSessionReq req)
  TExecuteStatementResp ExecuteStatement(1: TExecuteStatementReq req)
  TGetOperationStatusResp GetOperationStatus(1: TGetOperationStatusReq req)
  TCancelOperationResp CancelOperation(1: TCancelOperationReq req)
  TCloseOperationResp CloseOperation(1: TCloseOperationReq req)
  TGetResultSetMetadataResp GetResultSetMetadata(1: TGetResultSetMetadataReq req)
  TFetchResultsResp FetchResults(1: TFetchResultsReq req)
}
