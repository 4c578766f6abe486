#!/bin/sh
# Installs Asterisk, and what is asked for beside it, on Debian sid.
#
#   install-asterisk.sh [asterisk] [sipp] [postgresql] [nftables] [chromium] [python]
#   (nothing named: asterisk)
#
# Used by the image (docker/Dockerfile) and by the tests' private root
# (tests/lab/sandbox.py), so that both run the very same server.
set -eu

packages=''
for name in "${@:-asterisk}"; do
    case $name in
        asterisk) packages="$packages asterisk" ;;
        sipp) packages="$packages sip-tester" ;;
        postgresql) packages="$packages postgresql" ;;
        nftables) packages="$packages nftables" ;;
        chromium) packages="$packages chromium-headless-shell fonts-dejavu-core" ;;
        python) packages="$packages python3-venv" ;;
        *)
            echo "install-asterisk.sh: unknown part '$name' (asterisk, sipp, postgresql, nftables, chromium, python)" >&2
            exit 64
            ;;
    esac
done

# The packages start their servers on installation, on the machine's own ports: forbid it.
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d

# Each user of this root makes its own database cluster.
mkdir -p /etc/postgresql-common
echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf

export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
# A mirror's sid is often past its Valid-Until date: its signature is what is checked.
apt-get -q -o Acquire::Check-Valid-Until=false -o Acquire::Languages=none update
# shellcheck disable=SC2086  # a list of package names
apt-get -q -y --no-install-recommends install $packages
apt-get clean
rm -rf /var/lib/apt/lists/*

# Asterisk looks its own host name up on each call: unresolved, a call stalls for seconds.
name=$(uname -n)
grep -qwF -- "$name" /etc/hosts ||
    echo "127.0.0.1 localhost $name" >>/etc/hosts

for name in "${@:-asterisk}"; do
    case $name in
        asterisk) asterisk -V ;;
        sipp) sipp -v | grep SIPp ;;
        postgresql) find /usr/lib/postgresql -name postgres -type f -exec {} --version ';' ;;
        nftables) nft --version ;;
        chromium) chromium-headless-shell --version ;;
        python) python3 --version ;;
    esac
done
