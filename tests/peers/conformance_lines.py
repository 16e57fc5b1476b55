"""What the official clients must be able to do, line by line, and who proves it.

The one list: the checks of the Java program (tests/peers/java) and the tests of PyODPS are named
here and nowhere else. conformance_test.py turns each check into a test and compares
docs/conformance.md, which is made from this list, with what was seen.
"""

from __future__ import annotations

from dataclasses import dataclass

SANDBOX = "sandbox_test.py::"
TUNNEL = "sandbox_tunnel_test.py::"
UPSERT = "sandbox_upsert_test.py::"
SQL = "sandbox_sql_test.py::"
INSERT = "sandbox_sql_insert_test.py::"
PYODPS = "pyodps_conformance_test.py::"


@dataclass(frozen=True)
class Line:
    """`java` and `python` name the checks and tests that must all pass; none = the client has no
    such thing, and `note` says why."""

    text: str
    java: tuple[str, ...] = ()
    python: tuple[str, ...] = ()
    note: str = ""


LINES: dict[str, list[Line]] = {
    "Signing and rights": [
        Line(
            "AccessKey, plain signature, on REST and tunnel",
            java=("sign_plain",),
            python=(SANDBOX + "test_creates_writes_arrow_reads_and_counts",),
        ),
        Line(
            "AccessKey with a region (v4)",
            java=("sign_v4",),
            python=(SANDBOX + "test_the_regional_signature_is_accepted",),
        ),
        Line(
            "Temporary key with its STS token",
            java=("sign_sts", "sign_sts_v4", "sign_wrong_tokens"),
            python=(TUNNEL + "test_a_temporary_key_loads_and_reads_no_row",),
        ),
        Line(
            "Bearer token",
            java=("sign_bearer", "sign_wrong_tokens"),
            python=(TUNNEL + "test_a_bearer_token_reads_and_writes_nothing",),
        ),
        Line(
            "A wrong secret, key id or project is refused",
            java=("sign_wrong_secret", "sign_wrong_key_id", "project_unknown"),
            python=(SANDBOX + "test_a_wrong_key_or_project_is_refused",),
        ),
        Line(
            "A missing right is told by REST, tunnel and SQL",
            java=("right_is_missing",),
            python=(TUNNEL + "test_a_user_without_grants_sees_nothing",),
        ),
    ],
    "Around the tables": [
        Line(
            "Project document and properties",
            java=("project_document",),
            python=(PYODPS + "test_the_project_document_has_owner_times_and_properties",),
        ),
        Line(
            "Tenant",
            java=("tenant",),
            python=(PYODPS + "test_the_tenant_tells_whether_names_have_three_parts",),
        ),
        Line(
            "LogView address, from the service's own host",
            java=("logview",),
            python=(PYODPS + "test_a_logview_address_names_the_service_the_instance_and_a_token",),
        ),
        Line(
            "Usage report is taken",
            java=("usage_report",),
            python=(PYODPS + "test_a_usage_report_is_taken",),
        ),
        Line(
            "Tunnel discovery gives the address by which the client came (port mapping)",
            java=("discovery_behind_a_port_mapping",),
            python=(PYODPS + "test_the_tunnel_is_found_behind_a_port_mapping",),
        ),
        Line(
            "Errors carry code, text and request id, as XML on REST, as JSON on the tunnel",
            java=("error_has_code_and_request_id",),
            python=(
                SANDBOX + "test_errors_reach_the_client_as_its_own_classes",
                PYODPS + "test_errors_carry_code_text_and_request_id",
            ),
        ),
        Line(
            "Schemas: create, list, get, drop",
            java=("schemas",),
            python=(PYODPS + "test_schemas_are_made_listed_and_dropped",),
        ),
        Line(
            "Tables of one name in two schemas, by REST, tunnel and SQL",
            java=("schema_tables",),
            python=(SANDBOX + "test_schemas_hold_tables_of_their_own",),
        ),
    ],
    "Tables and partitions": [
        Line(
            "Create with comments, keys, lifecycle, nested types; reload gives all back",
            java=("table_create_and_reload",),
            python=(SANDBOX + "test_schema_objects_of_pyodps_make_tables",),
        ),
        Line(
            "Create twice: IF NOT EXISTS or refused",
            java=("table_create_twice",),
            python=(PYODPS + "test_a_table_made_twice_needs_if_not_exists",),
        ),
        Line(
            "Extended: size, files, transactional, reserved",
            java=("table_extended",),
            python=(PYODPS + "test_extended_facts_of_a_table",),
        ),
        Line(
            "List with prefix, in pages, the last marker empty",
            java=("table_list_pages",),
            python=(SANDBOX + "test_table_lists_page_and_describe",),
        ),
        Line(
            "Change columns, comment and lifecycle; rename",
            java=("table_changes",),
            python=(SANDBOX + "test_an_added_column_is_null_in_older_rows",),
        ),
        Line(
            "Clustered by hash and by range",
            java=("table_clustered",),
            python=(SQL + "test_pyodps_knows_the_kinds",),
        ),
        Line(
            "The first rows",
            python=(TUNNEL + "test_the_head_of_a_table_is_shown",),
            note="the Java SDK asks by the tunnel's Arrow preview",
        ),
        Line(
            "Truncate and drop",
            java=("table_truncate", "table_drop"),
            python=(PYODPS + "test_truncate_and_drop_take_the_rows_away",),
        ),
        Line(
            "Primary key, append and transactional tables",
            java=("table_kinds",),
            python=(PYODPS + "test_primary_key_tables_tell_their_key",),
        ),
        Line(
            "Partitions: create, get with rows and size, drop",
            java=("partition_create_and_get", "partition_drop"),
            python=(SANDBOX + "test_partitions_are_added_filled_counted_and_dropped",),
        ),
        Line(
            "Partition lists: pages, limit, part of a spec, names alone",
            java=("partition_list_pages",),
            python=(
                SANDBOX + "test_one_statement_adds_many_partitions_and_ten_thousand_are_counted",
                PYODPS + "test_partition_lists_by_part_of_a_spec_and_in_reverse",
            ),
        ),
        Line(
            "Specs with and without quotes, with `,` and `/`, with signs in the value",
            java=("partition_spec_forms",),
            python=(
                PYODPS + "test_a_partition_is_found_by_every_form_of_its_spec[pt=a,hh=1]",
                PYODPS + "test_a_partition_is_found_by_every_form_of_its_spec[pt='a',hh='1']",
            ),
        ),
        Line(
            "Six levels, not seven",
            java=("partition_six_levels",),
            python=(PYODPS + "test_six_partition_levels_and_not_seven",),
        ),
        Line(
            "NoSuchPartition, MissingPartitionSpec, InvalidPartitionSpec",
            java=("partition_unknown",),
            python=(PYODPS + "test_what_is_wrong_with_a_partition_is_told_by_code",),
        ),
    ],
    "SQL instances": [
        Line(
            "Submit, poll, wait: Running first, then Terminated with times and owner",
            java=("sql_submit_and_wait", "sql_wait_with_default_polling"),
            python=(SANDBOX + "test_an_instance_runs_first_and_can_be_waited_for",),
        ),
        Line(
            "CSV result: quotes, line ends, NULL, empty text, unnamed columns",
            java=("sql_result_csv",),
            python=(PYODPS + "test_a_csv_result_keeps_quotes_line_ends_and_nulls",),
        ),
        Line(
            "Query text through XML, escaped or CDATA; comments; SQL escapes",
            java=("sql_query_text_through_xml",),
            python=(PYODPS + "test_the_query_text_arrives_as_written",),
        ),
        Line("The submitted task name comes back", java=("sql_task_name",)),
        Line(
            "SET statements and settings, of text, boolean and number",
            java=("sql_settings",),
            python=(PYODPS + "test_set_statements_and_settings_of_any_kind",),
        ),
        Line(
            "Failure text with code and place",
            java=("sql_failure_text",),
            python=(SANDBOX + "test_errors_reach_the_client_as_its_own_classes",),
        ),
        Line(
            "Cancel",
            java=("sql_cancel",),
            python=(PYODPS + "test_a_running_query_is_cancelled",),
        ),
        Line(
            "Summary, progress, detail, warnings",
            java=("sql_summary_and_progress",),
            python=(PYODPS + "test_summary_progress_detail_source_and_priority",),
        ),
        Line(
            "Source of an instance",
            java=("sql_source",),
            python=(PYODPS + "test_summary_progress_detail_source_and_priority",),
        ),
        Line(
            "Instance list; unknown instances",
            java=("sql_instance_list", "sql_unknown_instance"),
            python=(PYODPS + "test_instances_are_listed_and_unknown_ones_told",),
        ),
        Line(
            "INSERT INTO and OVERWRITE, with static and dynamic partitions",
            java=("sql_insert_and_partitions",),
            python=(INSERT + "test_static_dynamic_and_mixed_partitions",),
        ),
        Line(
            "SHOW, DESC and DDL answer text",
            java=("sql_text_results",),
            python=(SANDBOX + "test_text_answers_of_show_and_desc",),
        ),
    ],
    "Instance tunnel": [
        Line(
            "Every type comes back as declared, also by alias, cast, UNION, WITH, sub-query",
            java=("instance_tunnel_types",),
            python=(PYODPS + "test_a_result_has_the_types_its_columns_were_declared_with",),
        ),
        Line(
            "Ranges and columns of a result",
            java=("instance_tunnel_ranges_and_columns", "instance_tunnel_result_set"),
            python=(PYODPS + "test_a_result_is_read_in_ranges_and_columns",),
        ),
        Line(
            "All rows, or 10,000 with the limit flag",
            java=("instance_tunnel_limit_flag",),
            python=(PYODPS + "test_a_limited_result_has_ten_thousand_rows",),
        ),
        Line(
            "Codecs: raw, deflate, snappy, LZ4",
            java=("instance_tunnel_codecs",),
            python=(
                PYODPS + "test_a_result_is_read_with_a_codec[raw]",
                PYODPS + "test_a_result_is_read_with_a_codec[zlib]",
                PYODPS + "test_a_result_is_read_with_a_codec[snappy]",
                PYODPS + "test_a_result_is_read_with_a_codec[lz4]",
            ),
        ),
        Line(
            "As Arrow, timestamps included",
            python=(PYODPS + "test_a_result_is_read_as_arrow_with_its_timestamps",),
            note="the Java SDK has no Arrow reader of results",
        ),
        Line(
            "InstanceTypeNotSupported, TaskFailed",
            java=("instance_tunnel_of_no_select",),
            python=(PYODPS + "test_what_is_no_select_falls_back_to_its_text",),
        ),
    ],
    "Values": [
        Line(
            "Every type, its edges, NULLs, nested three deep: written as records, read as both",
            java=("values_records_up",),
            python=(
                SANDBOX + "test_writes_and_reads_records_of_every_type",
                PYODPS + "test_nested_values_three_deep_as_records_and_arrow",
            ),
        ),
        Line(
            "The same written as Arrow",
            java=("values_arrow_up", "instants_arrow_up"),
            python=(SANDBOX + "test_arrow_values_of_every_type_come_back_bit_exact",),
        ),
        Line(
            "Instants of every year by records (outside 1677 to 2262 in whole microseconds)",
            java=("instants_records_up", "instants_year_1_and_9999"),
            python=(UPSERT + "test_timestamps_of_the_years_1_to_9999_are_kept",),
        ),
        Line("JSON", java=("values_json",), python=(PYODPS + "test_json_and_not_null_columns",)),
        Line(
            "NOT NULL columns",
            java=("values_not_null_column",),
            python=(PYODPS + "test_json_and_not_null_columns",),
        ),
        Line(
            "BIGINT -2^63 by Arrow",
            java=("bigint_minimum_is_refused_by_the_client",),
            python=(PYODPS + "test_the_smallest_bigint_goes_by_records_and_arrow",),
        ),
        Line(
            "Row ranges and columns, across blocks and batches",
            java=("range_and_columns_of_records", "range_and_columns_of_arrow"),
            python=(SANDBOX + "test_ranges_and_columns_are_cut_exactly",),
        ),
        Line(
            "150,000 rows over many chunks",
            java=("large_records", "large_arrow"),
            python=(PYODPS + "test_records_over_many_chunks",),
        ),
        Line(
            "Many batches in a block, blocks without rows",
            java=("arrow_many_batches_in_a_block", "arrow_block_without_rows"),
            python=(PYODPS + "test_blocks_without_rows_and_of_many_batches",),
        ),
    ],
    "Codecs": [
        Line(
            "Records up: raw, deflate, snappy, LZ4",
            java=(
                "codec_records_up_raw",
                "codec_records_up_deflate",
                "codec_records_up_snappy",
                "codec_records_up_lz4",
            ),
            python=(
                PYODPS + "test_a_codec_both_ways[records-raw]",
                PYODPS + "test_a_codec_both_ways[records-zlib]",
                PYODPS + "test_a_codec_both_ways[records-snappy]",
                PYODPS + "test_a_codec_both_ways[records-lz4]",
            ),
        ),
        Line(
            "Records down: raw, deflate, snappy, LZ4",
            java=(
                "codec_records_down_raw",
                "codec_records_down_deflate",
                "codec_records_down_snappy",
                "codec_records_down_lz4",
            ),
            python=(
                PYODPS + "test_a_codec_both_ways[records-raw]",
                PYODPS + "test_a_codec_both_ways[records-zlib]",
                PYODPS + "test_a_codec_both_ways[records-snappy]",
                PYODPS + "test_a_codec_both_ways[records-lz4]",
            ),
        ),
        Line(
            "Arrow up: raw, deflate, snappy, LZ4",
            java=(
                "codec_arrow_up_raw",
                "codec_arrow_up_deflate",
                "codec_arrow_up_snappy",
                "codec_arrow_up_lz4",
            ),
            python=(
                PYODPS + "test_a_codec_both_ways[arrow-raw]",
                PYODPS + "test_a_codec_both_ways[arrow-zlib]",
                PYODPS + "test_a_codec_both_ways[arrow-snappy]",
                PYODPS + "test_a_codec_both_ways[arrow-lz4]",
            ),
        ),
        Line(
            "Arrow down: raw, deflate, snappy, LZ4",
            java=(
                "codec_arrow_down_raw",
                "codec_arrow_down_deflate",
                "codec_arrow_down_snappy",
                "codec_arrow_down_lz4",
            ),
            python=(
                PYODPS + "test_a_codec_both_ways[arrow-raw]",
                PYODPS + "test_a_codec_both_ways[arrow-zlib]",
                PYODPS + "test_a_codec_both_ways[arrow-snappy]",
                PYODPS + "test_a_codec_both_ways[arrow-lz4]",
            ),
        ),
        Line(
            "A compressed stream that does not end is refused (PyODPS's buffered Arrow writer)",
            python=(
                PYODPS + "test_the_unfinished_stream_of_the_buffered_arrow_writer_is_refused[zlib]",
                PYODPS + "test_the_unfinished_stream_of_the_buffered_arrow_writer_is_refused[lz4]",
            ),
            note="the Java SDK writes no such stream",
        ),
        Line(
            "zstd",
            python=(SANDBOX + "test_compressed_blocks_both_ways[zstd]",),
            note="the Java SDK ends with \"invalid compression option\" (checked)",
        ),
    ],
    "Sessions": [
        Line(
            "States, block lists, an empty commit",
            java=("session_states", "session_without_blocks"),
            python=(PYODPS + "test_session_states_lists_and_refusals",),
        ),
        Line(
            "Append and overwrite, of a table and of one partition",
            java=("session_append_and_overwrite", "session_overwrite_of_one_partition"),
            python=(SANDBOX + "test_overwrite_replaces_and_append_adds",),
        ),
        Line(
            "Nothing is seen before the commit",
            java=("session_invisible_before_commit",),
            python=(PYODPS + "test_session_states_lists_and_refusals",),
        ),
        Line(
            "A block is replaced by its id; the second commit is a StatusConflict",
            java=("session_block_replaced_by_its_id", "session_second_commit"),
            python=(SANDBOX + "test_a_block_is_replaced_by_its_id_and_a_session_commits_once",),
        ),
        Line(
            "A commit of other blocks than the service has ends in the client",
            java=("session_commit_of_other_blocks",),
            python=(PYODPS + "test_session_states_lists_and_refusals",),
        ),
        Line(
            "Reopened by id, also after a restart; unknown ids",
            java=("session_reopened_by_id", "session_unknown"),
            python=(
                SANDBOX + "test_sessions_and_data_survive_a_restart",
                PYODPS + "test_session_states_lists_and_refusals",
            ),
        ),
        Line(
            "Bad block ids, bad row ranges",
            java=("session_bad_block_id", "session_wrong_row_range"),
            python=(PYODPS + "test_bad_block_ids_and_row_ranges",),
        ),
        Line(
            "Records and Arrow in one session",
            java=("session_records_and_arrow_mixed",),
            python=(PYODPS + "test_session_states_lists_and_refusals",),
        ),
        Line(
            "Buffered writers, record packs, block versions",
            java=("session_buffered_writer", "session_record_packs"),
            python=(PYODPS + "test_buffered_writers_of_both_forms",),
        ),
        Line(
            "Asynchronous download sessions; TableModified after a change",
            java=("session_download_async", "session_download_of_changed_data"),
            python=(PYODPS + "test_an_asynchronous_session_and_data_that_changed",),
        ),
        Line(
            "The session's schema has every type and the keys",
            java=("session_schema",),
            python=(PYODPS + "test_the_schema_of_a_session_has_every_type_and_the_keys",),
        ),
    ],
    "Faults": [
        Line(
            "429 with Retry-After and 503: session, commit and read are repeated by the client",
            java=(
                "fault_create_429",
                "fault_create_503",
                "fault_commit_429",
                "fault_commit_503",
                "fault_read_429",
                "fault_read_503",
            ),
            python=(TUNNEL + "test_pyodps_outlives_a_429_on_session_create",),
        ),
        Line(
            "The same when a download begins or a block list is asked for: told to the user",
            java=(
                "fault_download_429",
                "fault_download_503",
                "fault_fetch_429",
                "fault_fetch_503",
            ),
            python=(
                TUNNEL + "test_pyodps_outlives_a_refusal_of_each_session_call[429]",
                TUNNEL + "test_pyodps_outlives_a_refusal_of_each_session_call[503]",
            ),
            note="PyODPS repeats these too",
        ),
        Line(
            "A block refused, cut, its answer lost: told, not there or whole, replaced by its id",
            java=("fault_block_429", "fault_block_500", "fault_block_cut", "fault_block_lost"),
            python=(
                TUNNEL + "test_a_refused_block_leaves_no_trace[500-InternalServerError]",
                TUNNEL + "test_a_refused_block_leaves_no_trace[503-ServiceUnavailable]",
                TUNNEL + "test_a_block_cut_in_mid_body_is_not_there",
            ),
        ),
        Line(
            "A commit whose answer is lost has happened, once",
            java=("fault_commit_lost",),
            python=(TUNNEL + "test_a_commit_whose_answer_is_lost_has_happened",),
        ),
        Line(
            "A download cut in mid body is never taken for whole",
            java=("fault_read_cut",),
            python=(TUNNEL + "test_a_download_cut_in_mid_body_is_never_taken_for_whole",),
        ),
        Line(
            "A download session that is INITIATING is waited for",
            java=("fault_download_initiating",),
            python=(TUNNEL + "test_a_download_session_is_waited_for",),
        ),
    ],
    "Upserts and streams": [
        Line(
            "Upserts and deletes merge by key, the last change wins, unseen before the commit",
            java=("upsert_merges_by_key", "upsert_many_keys_over_buckets"),
            python=(
                UPSERT + "test_upserts_merge_by_key_and_the_last_change_wins[False]",
                UPSERT + "test_upserts_merge_by_key_and_the_last_change_wins[True]",
            ),
        ),
        Line(
            "Into one partition",
            java=("upsert_into_a_partition",),
            python=(UPSERT + "test_upserts_go_to_one_partition_and_outlive_a_restart",),
        ),
        Line("Every type, its edges and NULLs", java=("upsert_of_every_type",)),
        Line(
            "Aborted sessions leave nothing; wrong tables and partitions are refused",
            java=("upsert_abort", "upsert_refused"),
            python=(
                UPSERT + "test_an_aborted_upsert_leaves_nothing",
                UPSERT + "test_what_upserts_refuse",
            ),
        ),
        Line(
            "Stream uploads are seen at once, and make their partition",
            java=("stream_upload",),
            python=(UPSERT + "test_stream_uploads_are_visible_at_once",),
        ),
    ],
}

# Checks that a client cannot do something, so that the notes stay true.
LIMITS_JAVA = ("codec_client_has_no_zstd",)

# What is known of the clients and needs no line above.
CANNOT = [
    "The Java SDK takes no record with BIGINT -2^63, up or down; its Arrow form carries it.",
    "The Java SDK reads Arrow columns in the order asked for, PyODPS in table order: only a list "
    "in table order serves both.",
    "The Java SDK reads only LZ4 frames of independent blocks.",
    "PyODPS's buffered Arrow writer (no block id) with a codec never ends the compressed stream; "
    "the sandbox refuses such a block as MalformedDataStream. With a block id it is right.",
]

NOT_SERVED = [
    "The Arrow preview of the tunnel, which the Java SDK's `Table.read` asks for. Download, or "
    "SELECT with LIMIT.",
    "The schema of a query without running it (`SQLTask.getResultSchema`, a LINEAGE task).",
    "MCQA sessions, and the Storage API (`setEnableMaxStorage`).",
]


def java_checks() -> list[str]:
    found = [name for lines in LINES.values() for line in lines for name in line.java]
    return sorted({*found, *LIMITS_JAVA})


def python_tests() -> list[str]:
    return sorted({name for lines in LINES.values() for line in lines for name in line.python})
