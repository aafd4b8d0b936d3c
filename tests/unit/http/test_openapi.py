"""The document is enough to make a client from."""

from collections.abc import Iterator
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from skua_http.problem_pages import explanations
from tests.unit.http.place import Place

ACCOUNT = """
post /api/auth/register
post /api/auth/resend
post /api/auth/verify
post /api/auth/login
post /api/auth/logout
get /api/auth/me
post /api/auth/password/forgot
post /api/auth/password/reset
put /api/auth/password
get /api/auth/sessions
delete /api/auth/sessions/{session_id}
delete /api/auth/sessions
post /api/auth/totp
post /api/auth/totp/confirm
delete /api/auth/totp
get /api/auth/api-keys
post /api/auth/api-keys
delete /api/auth/api-keys/{key_id}
post /api/auth/totp/recovery-codes
get /api/auth/devices
delete /api/auth/devices
delete /api/auth/devices/{device_id}
post /api/auth/step-up
post /api/auth/email
post /api/auth/email/confirm
get /api/account/export
delete /api/account
"""
PUBLIC = {
    "register",
    "resend_code",
    "verify_registration",
    "log_in",
    "log_out",
    "forget_password",
    "reset_password",
}


@pytest.fixture
async def document(place: Place) -> Any:
    answer = await place.client.get(b"/api/openapi.json")
    assert answer.status == 200
    return answer.json


def operations(document: Any) -> Iterator[tuple[str, str, Any]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield method, path, operation


def test_it_is_what_the_specification_asks_for(document: Any) -> None:
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []


def test_every_operation_of_the_account_is_there(document: Any) -> None:
    there = {f"{method} {path}" for method, path, _ in operations(document)}

    assert document["openapi"].startswith("3.1")
    assert set(ACCOUNT.split("\n")) - {""} <= there


def test_each_has_an_id_of_its_own_a_summary_and_a_description(document: Any) -> None:
    found = [operation for _, _, operation in operations(document)]

    ids = [operation["operationId"] for operation in found]
    assert len(ids) == len(set(ids))
    assert all(operation["summary"] and operation["description"] for operation in found)


def test_each_says_which_problems_it_answers_with_an_example_of_each(document: Any) -> None:
    for _, path, operation in operations(document):
        problems = {
            status: answer
            for status, answer in operation["responses"].items()
            if int(status) >= 400
        }
        if path.startswith("/api/"):
            assert {"400", "403", "429", "500", "503"} <= set(problems)
        for status, answer in problems.items():
            [media_type] = answer["content"]
            assert media_type == "application/problem+json"
            for code, example in answer["content"][media_type]["examples"].items():
                assert code in explanations()
                assert set(example) == {"value"}
                assert example["value"]["status"] == int(status)


def test_each_that_takes_a_body_says_what_else_it_refuses(document: Any) -> None:
    for _, _, operation in operations(document):
        if "requestBody" in operation:
            assert {"413", "415"} <= set(operation["responses"])


def test_whoever_has_to_sign_in_learns_how(document: Any) -> None:
    schemes = document["components"]["securitySchemes"]

    assert schemes["session"]["in"] == "cookie"
    assert schemes["session"]["name"] == "__Host-skua"
    assert schemes["api_key"]["scheme"] == "bearer"
    for _, path, operation in operations(document):
        if path.startswith("/api/") and operation["operationId"] not in PUBLIC:
            assert {"session": []} in operation["security"]
            assert "401" in operation["responses"]


def test_requests_are_closed_and_every_text_in_them_has_an_end_and_an_example(
    document: Any,
) -> None:
    schemas = document["components"]["schemas"]
    requests = {name: each for name, each in schemas.items() if name.endswith("Request")}

    assert requests
    for schema in requests.values():
        assert schema["additionalProperties"] is False
        for name, each in schema["properties"].items():
            if each.get("type") == "string":
                assert each["maxLength"] <= 1024, name
                assert each["examples"], name


def test_pages_of_lists_are_limited(document: Any) -> None:
    parameters = document["paths"]["/api/auth/sessions"]["get"]["parameters"]

    limit = next(each for each in parameters if each["name"] == "limit")
    assert (limit["schema"]["minimum"], limit["schema"]["maximum"]) == (1, 200)
