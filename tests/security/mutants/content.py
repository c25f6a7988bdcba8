"""Input, files, logs, stored objects and dependencies."""

from .edits import Body, Entry, Replace, Value, Without
from .mutant import Mutant

FOUND_BY_FUZZING = "test_found_input_is_handled"

MUTANTS = (
    # Input
    Mutant(
        "Requests are validated by the rules of the contract",
        "igemoji_mesh.interceptors.validation:validate",
        Without("protovalidate.validate(*_)"),
        "test_invalid_request_names_the_field",
    ),
    Mutant(
        "Unexpected errors are reported without details",
        "igemoji_mesh.interceptors.errors:ErrorInterceptor.around",
        Replace("_.exception(*_)", "OLD\nraise"),
        "test_unexpected_error_has_no_details",
    ),
    Mutant(
        "Object keys are validated",
        "igemoji_mesh.objects.port:checked_key",
        Without("raise ValueError(*_)"),
        "test_ambiguous_key_is_refused",
    ),
    Mutant(
        "Page tokens hold times in UTC only",
        "igemoji_mesh.pagination:_instant",
        Without("raise ValueError(*_)"),
        FOUND_BY_FUZZING,
    ),
    Mutant(
        "Page tokens hold canonical UUIDs only",
        "igemoji_mesh.pagination:decode",
        Replace("str(uuid.UUID(last_id)) == last_id", "len(last_id) == 36"),
        FOUND_BY_FUZZING,
    ),
    Mutant(
        "Undecodable messages are reported as invalid requests",
        "igemoji_mesh.interceptors.validation:ValidationInterceptor.deserializer",
        Body("return deserialize"),
        "test_undecodable_request_is_invalid_argument_without_internals",
    ),
    # Files
    Mutant(
        "The pixel count of a photo is checked before decoding (decompression bombs)",
        "igemoji_vision.headers:MAX_PIXELS",
        Value("OLD * 1000"),
        "test_a_size_is_checked_before_anything_is_decoded",
    ),
    Mutant(
        "The pixel count of a template picture is checked before decoding (decompression bombs)",
        "igemoji_vision.pictures:MAX_PIXELS",
        Value("OLD * 1000"),
        "test_more_than_four_megapixels_are_refused",
    ),
    Mutant(
        "The number of scans of a progressive JPEG is limited",
        "igemoji_vision.pictures:MAX_SCANS",
        Value("OLD * 1000"),
        "test_a_jpeg_with_very_many_scans_is_refused_before_it_is_decoded",
    ),
    Mutant(
        "Template pictures are decoded from three formats only",
        "igemoji_vision.pictures:_FORMATS",
        Value('(*OLD, "GIF", "BMP", "TIFF", "ICO", "PPM")'),
        "test_other_formats_are_refused",
    ),
    Mutant(
        "The memory of a sandbox process is limited",
        "igemoji_vision.sandbox.limits:limit_resources",
        Without("resource.setrlimit(resource.RLIMIT_DATA, _)"),
        "test_without_enough_memory_a_photo_fails_for_the_limit_and_its_process_lives",
    ),
    Mutant(
        "The CPU time of a sandbox process is limited",
        "igemoji_vision.sandbox.main:main",
        Without("limits.limit_cpu(*_)"),
        "test_the_kernel_limits_cpu_time_even_if_the_parent_does_not_watch",
    ),
    Mutant(
        "A crashed sandbox process leaves no core dump",
        "igemoji_vision.sandbox.limits:confine",
        Without("resource.setrlimit(resource.RLIMIT_CORE, _)"),
        "test_every_process_has_the_limits_of_the_table",
    ),
    Mutant(
        "Photos are decoded from four formats only",
        "igemoji_vision.headers:_read",
        Replace("raise errors.PhotoNotRecognized(*_)", "return PhotoInfo(Format.PNG, 64, 64)"),
        "test_other_files_are_not_recognized",
    ),
    Mutant(
        "Template pictures are re-encoded",
        "igemoji_vision.pictures:normalize",
        Replace("_encoded(*_)", "data"),
        "test_only_pixels_are_kept",
    ),
    # Logs
    Mutant(
        "Logged tracebacks have no values of variables",
        "igemoji_mesh.observability.logging:configure_logging",
        Entry("show_locals", "True"),
        "test_log_of_an_error_has_the_stack_without_values",
    ),
    Mutant(
        "Logged paths have no query string",
        "igemoji_gateway.config.listener:LOG_FIELDS",
        Entry("path", '"%PATH(WQ:ORIG_OR_PATH)%"'),
        "test_access_log_has_no_query_and_no_token",
    ),
    # Integrity
    Mutant(
        "Objects with a wrong checksum are not served",
        "igemoji_mesh.objects.checksums:_compare",
        Body("pass"),
        "test_damaged_object_is_refused_before_the_first_byte",
    ),
    Mutant(
        "Results are stored with a checksum",
        "igemoji_inference.adapters.db.leases:SqlLeaseStore.record_done",
        Entry("result_checksum"),
        "test_a_damaged_result_is_reported_as_data_loss",
    ),
    Mutant(
        "The checksum of an original is verified before it is processed",
        "igemoji_inference.adapters.queue.photo_worker:Materials.fetch",
        Replace("checksums.get(*_)", "self._objects.get(job.photo_key)"),
        "test_a_damaged_original_is_not_revised",
    ),
    # Supply chain
    Mutant(
        "The package installer is installed by hash",
        "Makefile:$(UV)",
        Without("--require-hashes"),
        "test_every_install_uses_a_lock",
    ),
    Mutant(
        "Licenses of dependencies are checked",
        "deploy/supply/licenses.py:faults",
        Replace("not may_pass(*_)", "False"),
        "test_licenses_beyond_a_notice_need_approval",
    ),
)
