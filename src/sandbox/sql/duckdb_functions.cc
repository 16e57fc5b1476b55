#include "sandbox/sql/duckdb_functions.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>

namespace mms::sandbox::sql {
namespace {

constexpr std::array<uint32_t, 256> MakeCrcTable() {
  std::array<uint32_t, 256> table{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) ? 0xEDB88320U : 0);
    table[byte] = crc;
  }
  return table;
}
constexpr auto kCrcTable = MakeCrcTable();

/// One argument column of a chunk.
struct Input {
  void* data;
  uint64_t* validity;
  bool IsNull(idx_t row) const {
    return validity != nullptr && !duckdb_validity_row_is_valid(validity, row);
  }
  std::string_view Text(idx_t row) const {
    auto* text = static_cast<duckdb_string_t*>(data) + row;
    return {duckdb_string_t_data(text), duckdb_string_t_length(*text)};
  }
  int64_t Number(idx_t row) const { return static_cast<int64_t*>(data)[row]; }
};

Input MakeInput(duckdb_data_chunk chunk, idx_t column) {
  duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, column);
  return {duckdb_vector_get_data(vector), duckdb_vector_get_validity(vector)};
}

void SetNull(duckdb_vector output, idx_t row) {
  duckdb_vector_ensure_validity_writable(output);
  duckdb_validity_set_row_invalid(duckdb_vector_get_validity(output), row);
}

template <class Function>
void NumberOfText(duckdb_data_chunk chunk, duckdb_vector output, Function function) {
  Input text = MakeInput(chunk, 0);
  auto* results = static_cast<int64_t*>(duckdb_vector_get_data(output));
  for (idx_t row = 0; row < duckdb_data_chunk_get_size(chunk); ++row) {
    if (text.IsNull(row)) {
      SetNull(output, row);
    } else {
      results[row] = function(text.Text(row));
    }
  }
}

void Crc32Call(duckdb_function_info, duckdb_data_chunk chunk, duckdb_vector output) {
  NumberOfText(chunk, output, [](std::string_view text) { return int64_t{Crc32(text)}; });
}

void BytesCall(duckdb_function_info, duckdb_data_chunk chunk, duckdb_vector output) {
  NumberOfText(chunk, output,
               [](std::string_view text) { return static_cast<int64_t>(text.size()); });
}

void CharactersCall(duckdb_function_info, duckdb_data_chunk chunk, duckdb_vector output) {
  NumberOfText(chunk, output, [](std::string_view text) {
    return static_cast<int64_t>(std::count_if(text.begin(), text.end(), [](char c) {
      return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    }));
  });
}

void SetText(duckdb_vector output, idx_t row, const std::optional<std::string>& text) {
  if (!text) return SetNull(output, row);
  duckdb_vector_assign_string_element_len(output, row, text->data(), text->size());
}

void Sha2Call(duckdb_function_info, duckdb_data_chunk chunk, duckdb_vector output) {
  Input text = MakeInput(chunk, 0);
  Input bits = MakeInput(chunk, 1);
  for (idx_t row = 0; row < duckdb_data_chunk_get_size(chunk); ++row) {
    bool null = text.IsNull(row) || bits.IsNull(row);
    SetText(output, row, null ? std::nullopt : Sha2(text.Text(row), bits.Number(row)));
  }
}

void ConvCall(duckdb_function_info, duckdb_data_chunk chunk, duckdb_vector output) {
  Input text = MakeInput(chunk, 0);
  Input from = MakeInput(chunk, 1);
  Input to = MakeInput(chunk, 2);
  for (idx_t row = 0; row < duckdb_data_chunk_get_size(chunk); ++row) {
    bool null = text.IsNull(row) || from.IsNull(row) || to.IsNull(row);
    SetText(output, row,
            null ? std::nullopt : Conv(text.Text(row), from.Number(row), to.Number(row)));
  }
}

struct Overload {
  const char* name;
  duckdb_type first;  ///< VARCHAR or BLOB
  int numbers;        ///< BIGINT arguments after it
  duckdb_type result;
  duckdb_scalar_function_t call;
};

constexpr std::array<Overload, 9> kOverloads{{
    {"mms_crc32", DUCKDB_TYPE_VARCHAR, 0, DUCKDB_TYPE_BIGINT, Crc32Call},
    {"mms_crc32", DUCKDB_TYPE_BLOB, 0, DUCKDB_TYPE_BIGINT, Crc32Call},
    {"mms_length", DUCKDB_TYPE_VARCHAR, 0, DUCKDB_TYPE_BIGINT, CharactersCall},
    {"mms_length", DUCKDB_TYPE_BLOB, 0, DUCKDB_TYPE_BIGINT, BytesCall},
    {"mms_lengthb", DUCKDB_TYPE_VARCHAR, 0, DUCKDB_TYPE_BIGINT, BytesCall},
    {"mms_lengthb", DUCKDB_TYPE_BLOB, 0, DUCKDB_TYPE_BIGINT, BytesCall},
    {"mms_sha2", DUCKDB_TYPE_VARCHAR, 1, DUCKDB_TYPE_VARCHAR, Sha2Call},
    {"mms_sha2", DUCKDB_TYPE_BLOB, 1, DUCKDB_TYPE_VARCHAR, Sha2Call},
    {"mms_conv", DUCKDB_TYPE_VARCHAR, 2, DUCKDB_TYPE_VARCHAR, ConvCall},
}};

void AddType(duckdb_scalar_function function, duckdb_type id) {
  duckdb_logical_type type = duckdb_create_logical_type(id);
  duckdb_scalar_function_add_parameter(function, type);
  duckdb_destroy_logical_type(&type);
}

duckdb_scalar_function MakeFunction(const Overload& overload) {
  duckdb_scalar_function function = duckdb_create_scalar_function();
  duckdb_scalar_function_set_name(function, overload.name);
  AddType(function, overload.first);
  for (int i = 0; i < overload.numbers; ++i) AddType(function, DUCKDB_TYPE_BIGINT);
  duckdb_logical_type result = duckdb_create_logical_type(overload.result);
  duckdb_scalar_function_set_return_type(function, result);
  duckdb_destroy_logical_type(&result);
  duckdb_scalar_function_set_function(function, overload.call);
  return function;
}

}  // namespace

uint32_t Crc32(std::string_view bytes) {
  uint32_t crc = 0xFFFFFFFFU;
  for (char c : bytes) crc = (crc >> 8) ^ kCrcTable[(crc ^ static_cast<unsigned char>(c)) & 255];
  return ~crc;
}

std::optional<std::string> Sha2(std::string_view bytes, int64_t bits) {
  const EVP_MD* digest = bits == 224                ? EVP_sha224()
                         : bits == 256 || bits == 0 ? EVP_sha256()
                         : bits == 384              ? EVP_sha384()
                         : bits == 512              ? EVP_sha512()
                                                    : nullptr;
  if (digest == nullptr) return std::nullopt;
  std::array<unsigned char, EVP_MAX_MD_SIZE> value;
  unsigned int size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), value.data(), &size, digest, nullptr) != 1) {
    return std::nullopt;
  }
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) {
    hex += kDigits[value[i] >> 4];
    hex += kDigits[value[i] & 15];
  }
  return hex;
}

std::optional<std::string> Conv(std::string_view number, int64_t from_base, int64_t to_base) {
  if (from_base < 2 || from_base > 36 || to_base < 2 || to_base > 36) return std::nullopt;
  bool negative = number.starts_with('-');
  if (negative) number.remove_prefix(1);
  uint64_t value = 0;
  for (char c : number) {
    int digit = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'z' ? c - 'a' + 10
                : c >= 'A' && c <= 'Z' ? c - 'A' + 10
                                       : 36;
    if (digit >= from_base) break;
    auto base = static_cast<uint64_t>(from_base);
    if (value > (UINT64_MAX - static_cast<uint64_t>(digit)) / base) {
      value = UINT64_MAX;
      break;
    }
    value = value * base + static_cast<uint64_t>(digit);
  }
  std::string text;
  do {
    text += "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[value % static_cast<uint64_t>(to_base)];
    value /= static_cast<uint64_t>(to_base);
  } while (value > 0);
  if (negative && text != "0") text += '-';
  std::reverse(text.begin(), text.end());
  return text;
}

Status RegisterFunctions(duckdb_connection connection) {
  for (size_t i = 0; i < kOverloads.size();) {
    const char* name = kOverloads[i].name;
    duckdb_scalar_function_set set = duckdb_create_scalar_function_set(name);
    for (; i < kOverloads.size() && std::string_view(kOverloads[i].name) == name; ++i) {
      duckdb_scalar_function function = MakeFunction(kOverloads[i]);
      (void)duckdb_add_scalar_function_to_set(set, function);  // a miss shows at registration
      duckdb_destroy_scalar_function(&function);
    }
    duckdb_state state = duckdb_register_scalar_function_set(connection, set);
    duckdb_destroy_scalar_function_set(&set);
    if (state == DuckDBError) {
      return Error(ErrorKind::kInternal, "ODPS-0010000",
                   std::string("cannot register the function ") + name);
    }
  }
  return OkStatus();
}

}  // namespace mms::sandbox::sql
