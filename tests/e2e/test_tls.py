"""HTTPS from end to end: server, agent and command line, an authority of one's own, and a renewed certificate."""

from __future__ import annotations

import re
import signal
import ssl
import subprocess
from pathlib import Path

from cryptography import x509

from tests.fixtures.certificates import write_certificate
from tests.fixtures.platform import Agent, Server, clean_environment, lilac


def run(home: Path, *argv: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [lilac(), *argv], env=clean_environment(home, env), capture_output=True, text=True, timeout=60, check=False
    )


def serial_of(server: Server) -> int:
    pem = ssl.get_server_certificate(("127.0.0.1", server.port))
    return x509.load_pem_x509_certificate(pem.encode()).serial_number


def test_a_job_runs_over_tls_and_a_stranger_is_not_trusted(tmp_path: Path) -> None:
    cert, key = write_certificate(tmp_path)
    settings = {"LILAC_TLS_CERT_FILE": str(cert), "LILAC_TLS_KEY_FILE": str(key)}
    with Server(tmp_path / "server", settings=settings, ca_file=cert) as server:
        assert server.address.startswith("https://")
        ca = {"LILAC_CA_FILE": str(cert)}
        user = {"LILAC_API_ENDPOINT": server.address, "LILAC_USER_API_KEY": server.api.user_key()}
        agent = Agent(tmp_path / "agent", server.address, server.api.cluster_key(), env=ca)
        with agent:
            job = server.api.submit("/bin/sh", "-c", "echo over tls")
            assert server.api.wait(job)["job_status"] == "succeeded"
        shown = run(tmp_path, "jobs", "logs", job, **user, **ca)
        assert (shown.returncode, shown.stdout) == (0, "over tls\n")

        refused = run(tmp_path, "jobs", "ls", **user)
        assert refused.returncode == 6
        assert "its certificate is not trusted" in refused.stderr
        assert "LILAC_CA_FILE" in refused.stderr
        odd = run(tmp_path, "jobs", "ls", **user, LILAC_CA_FILE=str(key))
        assert odd.returncode == 2
        assert "holds no certificate" in odd.stderr


def test_a_renewed_certificate_is_taken_on_sighup_and_a_broken_one_is_not(tmp_path: Path) -> None:
    cert, key = write_certificate(tmp_path, serial=7)
    settings = {"LILAC_TLS_CERT_FILE": str(cert), "LILAC_TLS_KEY_FILE": str(key)}
    with Server(tmp_path / "server", settings=settings, ca_file=cert) as server:
        assert server.process is not None
        assert serial_of(server) == 7
        write_certificate(tmp_path, serial=8)
        server.process.signal(signal.SIGHUP)
        server.process.wait_for(re.compile("certificate renewed"))
        assert serial_of(server) == 8
        cert.write_text("no certificate")
        server.process.signal(signal.SIGHUP)
        server.process.wait_for(re.compile("cannot be renewed"))
        assert serial_of(server) == 8


def test_wrong_tls_settings_are_told_in_a_sentence(tmp_path: Path) -> None:
    cert, key = write_certificate(tmp_path)
    data = ("--data-dir", str(tmp_path / "data"), "--port", "0")
    half = run(tmp_path, "server", "start", *data, "--tls-cert-file", str(cert))
    assert (half.returncode, "must be set together" in half.stderr) == (2, True)
    absent = run(tmp_path, "server", "start", *data, "--tls-cert-file", str(cert), "--tls-key-file", "/nowhere.pem")
    assert (absent.returncode, "Cannot read /nowhere.pem" in absent.stderr) == (2, True)
    swapped = run(tmp_path, "server", "start", *data, "--tls-cert-file", str(key), "--tls-key-file", str(cert))
    assert (swapped.returncode, "Cannot use the certificate" in swapped.stderr) == (2, True)
    assert "Traceback" not in half.stderr + absent.stderr + swapped.stderr
