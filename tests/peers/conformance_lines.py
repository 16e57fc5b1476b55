"""What the official clients must be able to do, line by line, and who proves it.

The one list: the checks of the Java program (tests/peers/java) and the tests of PyODPS are named
here and nowhere else. conformance_test.py turns each check into a test and compares
docs/conformance.md, which is made from this list, with what was seen.
"""

from __future__ import annotations

from dataclasses import dataclass

SANDBOX = "sandbox_test.py::"
TUNNEL = "sandbox_tunnel_test.py::"
PYODPS = "pyodps_conformance_test.py::"


@dataclass(frozen=True)
class Line:
    """`java` and `python` name the checks and tests that must all pass; none = the client has no
    such thing, and `note` says why."""

    text: str
    java: tuple[str, ...] = ()
    python: tuple[str, ...] = ()
    note: str = ""


def names(text: str, prefix: str = "") -> tuple[str, ...]:
    return tuple(prefix + name for name in text.split())


def both(prefix: str, codecs: str) -> tuple[str, ...]:
    """A check for each codec."""
    return tuple(f"{prefix}_{codec}" for codec in codecs.split())


CODECS = "raw deflate snappy lz4"

LINES: dict[str, list[Line]] = {
    "Signing and rights": [
        Line(
            "AccessKey, plain signature, on REST and tunnel",
            names("sign_plain"),
            names("test_creates_writes_arrow_reads_and_counts", SANDBOX),
        ),
        Line(
            "AccessKey with a region (v4)",
            names("sign_v4"),
            names("test_the_regional_signature_is_accepted", SANDBOX),
        ),
        Line(
            "Temporary key with its STS token",
            names("sign_sts sign_sts_v4 sign_wrong_tokens"),
            names("test_a_temporary_key_loads_and_reads_no_row", TUNNEL),
        ),
        Line(
            "Bearer token",
            names("sign_bearer sign_wrong_tokens"),
            names("test_a_bearer_token_reads_and_writes_nothing", TUNNEL),
        ),
        Line(
            "A wrong secret, key id or project is refused",
            names("sign_wrong_secret sign_wrong_key_id project_unknown"),
            names("test_a_wrong_key_or_project_is_refused", SANDBOX),
        ),
        Line(
            "A missing right is told by REST, tunnel and SQL",
            names("right_is_missing"),
            names("test_a_user_without_grants_sees_nothing", TUNNEL),
        ),
    ],
    "Around the tables": [
        Line("Project document and properties", names("project_document")),
        Line("Tenant", names("tenant")),
        Line("LogView address, from the service's own host", names("logview")),
        Line("Usage report is taken", names("usage_report")),
        Line(
            "Tunnel discovery gives the address by which the client came (port mapping)",
            names("discovery_behind_a_port_mapping"),
        ),
        Line(
            "Errors carry code, text and request id, as XML on REST, as JSON on the tunnel",
            names("error_has_code_and_request_id"),
            names("test_errors_reach_the_client_as_its_own_classes", SANDBOX),
        ),
        Line("Schemas: create, list, get, drop", names("schemas")),
        Line(
            "Tables of one name in two schemas, by REST, tunnel and SQL",
            names("schema_tables"),
            names("test_schemas_hold_tables_of_their_own", SANDBOX),
        ),
    ],
    "Tables and partitions": [
        Line(
            "Create with comments, keys, lifecycle, nested types; reload gives all back",
            names("table_create_and_reload"),
            names("test_schema_objects_of_pyodps_make_tables", SANDBOX),
        ),
        Line("Create twice: IF NOT EXISTS or refused", names("table_create_twice")),
        Line("Extended: size, files, transactional, reserved", names("table_extended")),
        Line(
            "List with prefix, in pages, the last marker empty",
            names("table_list_pages"),
            names("test_table_lists_page_and_describe", SANDBOX),
        ),
        Line("Truncate and drop", names("table_truncate table_drop")),
        Line("Primary key, append and transactional tables", names("table_kinds")),
        Line(
            "Partitions: create, get with rows and size, drop",
            names("partition_create_and_get partition_drop"),
            names("test_partitions_are_added_filled_counted_and_dropped", SANDBOX),
        ),
        Line(
            "Partition lists: pages, limit, part of a spec, names alone",
            names("partition_list_pages"),
            names(
                "test_one_statement_adds_many_partitions_and_ten_thousand_are_counted", SANDBOX
            ),
        ),
        Line(
            "Specs with and without quotes, with `,` and `/`, with signs in the value",
            names("partition_spec_forms"),
        ),
        Line("Six levels, not seven", names("partition_six_levels")),
        Line(
            "NoSuchPartition, MissingPartitionSpec, InvalidPartitionSpec",
            names("partition_unknown"),
        ),
    ],
    "SQL instances": [
        Line(
            "Submit, poll, wait: Running first, then Terminated with times and owner",
            names("sql_submit_and_wait sql_wait_with_default_polling"),
            names("test_an_instance_runs_first_and_can_be_waited_for", SANDBOX),
        ),
        Line(
            "CSV result: quotes, line ends, NULL, empty text, unnamed columns",
            names("sql_result_csv"),
        ),
        Line(
            "Query text through XML, escaped or CDATA; comments; SQL escapes",
            names("sql_query_text_through_xml"),
        ),
        Line("The submitted task name comes back", names("sql_task_name")),
        Line("SET statements and settings, of text, boolean and number", names("sql_settings")),
        Line(
            "Failure text with code and place",
            names("sql_failure_text"),
            names("test_errors_reach_the_client_as_its_own_classes", SANDBOX),
        ),
        Line("Cancel", names("sql_cancel")),
        Line("Summary, progress, detail, warnings", names("sql_summary_and_progress")),
        Line("Source of an instance", names("sql_source")),
        Line("Instance list; unknown instances", names("sql_instance_list sql_unknown_instance")),
        Line(
            "SHOW, DESC and DDL answer text",
            names("sql_text_results"),
            names("test_text_answers_of_show_and_desc", SANDBOX),
        ),
    ],
    "Instance tunnel": [
        Line(
            "Ranges and columns of a result",
            names("instance_tunnel_ranges_and_columns instance_tunnel_result_set"),
        ),
        Line("All rows, or 10,000 with the limit flag", names("instance_tunnel_limit_flag")),
        Line("Codecs: raw, deflate, snappy, LZ4", names("instance_tunnel_codecs")),
        Line("InstanceTypeNotSupported, TaskFailed", names("instance_tunnel_of_no_select")),
    ],
    "Values": [
        Line(
            "Every type, its edges, NULLs, nested three deep: written as records, read as both",
            names("values_records_up"),
            names("test_writes_and_reads_records_of_every_type", SANDBOX),
        ),
        Line(
            "The same written as Arrow",
            names("values_arrow_up instants_arrow_up"),
            names("test_arrow_values_of_every_type_come_back_bit_exact", SANDBOX),
        ),
        Line("JSON", names("values_json")),
        Line("NOT NULL columns", names("values_not_null_column")),
        Line("BIGINT -2^63 by Arrow", names("bigint_minimum_is_refused_by_the_client")),
        Line(
            "Row ranges and columns, across blocks and batches",
            names("range_and_columns_of_records range_and_columns_of_arrow"),
            names("test_ranges_and_columns_are_cut_exactly", SANDBOX),
        ),
        Line("150,000 rows over many chunks", names("large_records large_arrow")),
        Line(
            "Many batches in a block, blocks without rows",
            names("arrow_many_batches_in_a_block arrow_block_without_rows"),
        ),
    ],
    "Codecs": [
        Line("Records up: raw, deflate, snappy, LZ4", both("codec_records_up", CODECS)),
        Line("Records down: raw, deflate, snappy, LZ4", both("codec_records_down", CODECS)),
        Line("Arrow up: raw, deflate, snappy, LZ4", both("codec_arrow_up", CODECS)),
        Line("Arrow down: raw, deflate, snappy, LZ4", both("codec_arrow_down", CODECS)),
        Line(
            "zstd",
            (),
            names("test_compressed_blocks_both_ways[zstd]", SANDBOX),
            note="the Java SDK ends with \"invalid compression option\" (checked)",
        ),
    ],
    "Sessions": [
        Line(
            "States, block lists, an empty commit",
            names("session_states session_without_blocks"),
        ),
        Line(
            "Append and overwrite, of a table and of one partition",
            names("session_append_and_overwrite session_overwrite_of_one_partition"),
            names("test_overwrite_replaces_and_append_adds", SANDBOX),
        ),
        Line("Nothing is seen before the commit", names("session_invisible_before_commit")),
        Line(
            "A block is replaced by its id; the second commit is a StatusConflict",
            names("session_block_replaced_by_its_id session_second_commit"),
            names("test_a_block_is_replaced_by_its_id_and_a_session_commits_once", SANDBOX),
        ),
        Line(
            "A commit of other blocks than the service has ends in the client",
            names("session_commit_of_other_blocks"),
        ),
        Line(
            "Reopened by id, also after a restart; unknown ids",
            names("session_reopened_by_id session_unknown"),
            names("test_sessions_and_data_survive_a_restart", SANDBOX),
        ),
        Line(
            "Bad block ids, bad row ranges",
            names("session_bad_block_id session_wrong_row_range"),
        ),
        Line("Records and Arrow in one session", names("session_records_and_arrow_mixed")),
        Line(
            "Buffered writers, record packs, block versions",
            names("session_buffered_writer session_record_packs"),
        ),
        Line(
            "Asynchronous download sessions; TableModified after a change",
            names("session_download_async session_download_of_changed_data"),
        ),
        Line("The session's schema has every type and the keys", names("session_schema")),
    ],
}

# Checks that a client cannot do something, so that the notes stay true.
LIMITS_JAVA = names("codec_client_has_no_zstd")

# What is known of the clients and needs no line above.
CANNOT = [
    "The Java SDK takes no record with BIGINT -2^63, up or down; its Arrow form carries it.",
    "The Java SDK has no Arrow reader of query results.",
    "The Java SDK reads Arrow columns in the order asked for, PyODPS in table order: only a list "
    "in table order serves both.",
    "The Java SDK reads only LZ4 frames of independent blocks.",
    "PyODPS's buffered Arrow writer (no block id) with a codec never ends the compressed stream; "
    "the sandbox refuses such a block as MalformedDataStream. With a block id it is right.",
]


def java_checks() -> list[str]:
    found = [name for lines in LINES.values() for line in lines for name in line.java]
    return sorted({*found, *LIMITS_JAVA})


def python_tests() -> list[str]:
    return sorted({name for lines in LINES.values() for line in lines for name in line.python})
