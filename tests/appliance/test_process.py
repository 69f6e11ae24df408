"""What our processes ask of the system."""

import resource
import subprocess
import sys


def test_a_core_may_open_as_many_sockets_as_the_system_allows():
    code = (
        "from resource import RLIMIT_NOFILE, getrlimit, setrlimit;"
        "setrlimit(RLIMIT_NOFILE, (256, getrlimit(RLIMIT_NOFILE)[1]));"
        "from appliance.process import allow_many_sockets; allow_many_sockets();"
        "print(getrlimit(RLIMIT_NOFILE)[0])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    _soft, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert int(said) == min(most, 65_536) or (most == resource.RLIM_INFINITY and int(said) == 65_536)
