"""The pages' templates, before anybody opens one."""

import pytest

from hub.review.page import TEMPLATES


@pytest.mark.parametrize("name", sorted(TEMPLATES.list_templates(extensions=["html"])))
def test_every_template_compiles(name):
    assert TEMPLATES.get_template(name).name == name
