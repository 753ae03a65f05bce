"""
Secrets in a patch: a key of many lines that was added, and a password that was committed before.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.secrets import corpus
from tests.secrets.test_places import ROOT, git

OLD = "password = 'hunter2-old'\nrate = 0.1\n"
SCRIPTS = {
    "python": "import lab_workbook as l; w = l.new_experiment(); w.save_git_status(); w.close()",
    "lua5.1": "local w = require('lab-workbook'):newExperiment{} w:saveGitStatus() w:close()",
}


@pytest.fixture
def code(tmp_path):
    """A repository in which one file holds a password, and another one gets a private key."""
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "settings.py").write_text(OLD)
    (folder / "train.py").write_text("import torch\n")
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "first")
    (folder / "settings.py").write_text(OLD.replace("0.1", "0.2"))
    (folder / "train.py").write_text(f'import torch\nKEY = """{corpus.PRIVATE_KEY}"""\nrate = 0.2\n')
    return folder


def _record(language, folder):
    command = [sys.executable, "-c"] if language == "python" else [language, "-e"]
    environment = dict(os.environ) | {"LAB_WORKBOOK_BUCKET_PREFIX": f"{folder.parent}/experiments/"}
    if language != "python":
        # Without our program, so that the Lua writer captures the source by itself.
        environment |= {"LUA_PATH": f"{ROOT}/lua/?.lua;{ROOT}/lua/?/init.lua;;", "PATH": "/usr/bin:/bin"}
    run = subprocess.run(
        [*command, SCRIPTS[language]], cwd=folder, env=environment, check=True, capture_output=True, text=True
    )
    (root,) = (folder.parent / "experiments").iterdir()
    return Path(root), run.stderr


@pytest.mark.parametrize("language", SCRIPTS)
def test_neither_a_key_of_many_lines_nor_an_old_password_is_in_the_patch(code, language):
    """
    The patch still applies, and what is not in it is named.
    """
    root, stderr = _record(language, code)

    patch = (root / "Source.git-patch").read_text()
    assert "hunter2-old" not in patch
    assert [line for line in corpus.PRIVATE_KEY.split("\n")[1:-1] if line in patch] == []
    assert "+rate = 0.2" in patch
    git(code, "checkout", "-q", ".")
    git(code, "apply", str(root / "Source.git-patch"))
    assert (code / "train.py").read_text().count("\n") == corpus.PRIVATE_KEY.count("\n") + 3
    if language != "python":
        state = json.loads((root / "Source.git-state.json").read_text())
        assert [problem for problem in state["problems"] if "settings.py" in problem]
        assert "settings.py" in stderr
