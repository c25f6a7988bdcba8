"""What comes in, what is kept, and what we build on."""

from .mutant import CATALOG, GATEWAY, INFERENCE, MESH, Mutant

SERVER_TESTS = "libs/mesh/tests/test_server.py"
FOUND = "tests/fuzz/test_found.py::"
HOSTILE = "libs/vision/tests/hostile"

MUTANTS = (
    # Input
    Mutant(
        "messages are held to the rules of the contract",
        f"{MESH}/interceptors.py",
        "        protovalidate.validate(request)",
        "        pass",
        f"{SERVER_TESTS}::test_invalid_request_names_the_field",
    ),
    Mutant(
        "an unexpected error tells nothing",
        f"{MESH}/interceptors.py",
        '            telemetry.log.exception("unexpected error", method=method)\n'
        '            await _abort(context, InternalError("Something went wrong on our side."))',
        '            telemetry.log.exception("unexpected error", method=method)\n            raise',
        f"{SERVER_TESTS}::test_unexpected_error_has_no_details",
    ),
    Mutant(
        "object keys have a pattern",
        f"{MESH}/objects.py",
        "    if not _KEY.fullmatch(key):",
        "    if False:",
        "libs/mesh/tests/test_objects_contract.py::test_ambiguous_key_is_refused",
    ),
    Mutant(
        "page tokens hold instants that a database knows",
        f"{MESH}/page_token.py",
        "    if at.utcoffset() != datetime.timedelta(0):",
        "    if False:",
        f"{FOUND}test_an_input_that_was_found_once_is_taken_rightly",
    ),
    Mutant(
        "page tokens hold ids",
        f"{MESH}/page_token.py",
        "str(uuid.UUID(last_id)) == last_id",
        "len(last_id) == 36",
        f"{FOUND}test_an_input_that_was_found_once_is_taken_rightly",
    ),
    Mutant(
        "a message that is none is bad input",
        f"{MESH}/interceptors.py",
        "        return read_or_not\n",
        "        return read\n",
        f"{SERVER_TESTS}::test_undecodable_request_is_invalid_argument_without_internals",
    ),
    # Files
    Mutant(
        "pixels of a photo are counted before they are decoded",
        f"{INFERENCE}/vision/headers.py",
        "MAX_PIXELS = 40_000_000",
        "MAX_PIXELS = 40_000_000_000",
        f"{HOSTILE}/test_png.py::test_a_size_is_checked_before_anything_is_decoded",
    ),
    Mutant(
        "pixels of a picture are counted before they are decoded",
        f"{CATALOG}/pictures.py",
        "MAX_PIXELS = 4_000_000",
        "MAX_PIXELS = 4_000_000_000",
        "libs/vision/tests/pictures/test_pictures.py::test_more_than_four_megapixels_are_refused",
    ),
    Mutant(
        "pictures are of three kinds",
        f"{CATALOG}/pictures.py",
        '_FORMATS = ("PNG", "JPEG", "WEBP")',
        '_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "ICO", "PPM")',
        "libs/vision/tests/pictures/test_pictures.py::test_other_formats_are_refused",
    ),
    Mutant(
        "a worker has a limit of memory",
        f"{INFERENCE}/queue/child.py",
        "    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))\n",
        "",
        f"{HOSTILE}/test_limits.py::test_with_too_little_memory_a_photo_fails_for_the_limit_and_the_worker_lives",
    ),
    Mutant(
        "a worker has a limit of time",
        f"{INFERENCE}/queue/child.py",
        "                _limit_processor(float(task_seconds))\n",
        "",
        f"{HOSTILE}/test_limits.py::test_the_processor_is_taken_away_even_if_the_service_does_not_watch",
    ),
    Mutant(
        "a crash leaves no photo on the disk",
        f"{INFERENCE}/queue/child.py",
        "    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))\n",
        "",
        f"{HOSTILE}/test_limits.py::test_a_crash_leaves_no_photo_on_the_disk",
    ),
    Mutant(
        "photos are of four kinds",
        f"{INFERENCE}/vision/headers.py",
        "    raise PhotoNotRecognized\n",
        "    return PhotoInfo(Format.PNG, 64, 64)\n",
        f"{HOSTILE}/test_not_photos.py::test_a_file_that_is_no_photo_is_called_so",
    ),
    Mutant(
        "pictures are written anew",
        f"{CATALOG}/pictures.py",
        "        return _encoded(_fitted(_upright(image), keep_background))",
        "        return data",
        "libs/vision/tests/pictures/test_pictures.py::test_only_pixels_are_kept",
    ),
    # Logs
    Mutant(
        "logs have no values of variables",
        f"{MESH}/telemetry.py",
        "show_locals=False",
        "show_locals=True",
        "libs/mesh/tests/test_telemetry.py::test_log_of_an_error_has_the_stack_without_values",
    ),
    Mutant(
        "logs have no queries",
        f"{GATEWAY}/listener.py",
        "%PATH(NQ:ORIG_OR_PATH)%",
        "%PATH(WQ:ORIG_OR_PATH)%",
        "services/gateway/tests/test_rest.py::test_access_log_has_no_query_and_no_token",
    ),
    # Integrity
    Mutant(
        "what is damaged is not given out",
        f"{MESH}/checksums.py",
        "    if checksum and found != checksum:",
        "    if False:",
        "libs/mesh/tests/test_checksums_contract.py",
    ),
    Mutant(
        "results have a checksum",
        f"{INFERENCE}/leases.py",
        '        "result_checksum": done.result_checksum,\n',
        "",
        "services/inference/tests/test_checksums.py::test_a_damaged_result_is_reported_as_data_loss",
    ),
    Mutant(
        "originals are compared before they are worked on",
        f"{INFERENCE}/queue/worker.py",
        "checksums.get(self._objects, job.photo_key, job.photo_checksum)",
        "self._objects.get(job.photo_key)",
        "services/inference/tests/test_checksums.py::test_a_damaged_original_is_not_revised",
    ),
    # Supply chain
    Mutant(
        "the installer is installed by its hash",
        "Makefile",
        "--require-hashes ",
        "",
        "tests/trust/test_supply_chain.py::test_nothing_is_installed_without_its_lock",
    ),
    Mutant(
        "licences are looked at",
        "deploy/supply/licences.py",
        "        elif not may_pass(package.licence, allowed):",
        "        elif False:",
        "tests/trust/test_supply_chain.py::test_what_asks_for_more_than_a_notice_does_not_pass_unseen",
    ),
)
