package org.simplepush.server.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Which addresses a network holds, and which of them a datagram may go to. */
@Timeout(30)
class NetworkTest {
  @ParameterizedTest
  @CsvSource({
    "10.0.0.0/8, 10.0.0.1, true",
    "10.0.0.0/8, 10.255.255.254, true",
    "10.0.0.0/8, 11.0.0.1, false",
    "10.0.0.0/8, 9.255.255.255, false",
    "10.32.0.0/11, 10.63.1.1, true",
    "10.32.0.0/11, 10.64.1.1, false",
    "10.32.0.0/11, 10.31.1.1, false",
    "192.0.2.7/32, 192.0.2.7, true",
    "192.0.2.7/32, 192.0.2.6, false",
    "192.0.2.6/31, 192.0.2.6, true",
    "192.0.2.6/31, 192.0.2.7, true",
    "0.0.0.0/0, 203.0.113.9, true",
    "0.0.0.0/0, 2001:db8::1, false",
    "2001:db8::/32, 2001:db8::1, true",
    "2001:db8::/32, 2001:DB8:ffff:ffff:ffff:ffff:ffff:ffff, true",
    "2001:db8::/32, 2001:db9::1, false",
    "2001:db8:0:8000::/49, 2001:db8:0:8001::1, true",
    "2001:db8:0:8000::/49, 2001:db8:0:7fff::1, false",
    "2001:db8::1/128, 2001:db8::1, true",
    "2001:db8::1/128, 2001:db8::2, false",
    "::/0, 2001:db8::1, true",
    "::/0, 10.0.0.1, false",
  })
  void holdsAddressesThatBeginWithItsBits(String network, String address, boolean expected) {
    assertThat(Network.parse(network).permits(Network.literal(address))).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource({
    "10.0.0.0/8, ::ffff:10.1.2.3, true",
    "10.0.0.0/8, ::ffff:0a01:0203, true",
    "10.0.0.0/8, 0:0:0:0:0:FFFF:10.1.2.3, true",
    "10.0.0.0/8, ::ffff:11.1.2.3, false",
    "::ffff:10.0.0.0/104, 10.1.2.3, true",
    "::ffff:10.0.0.0/104, ::ffff:10.1.2.3, true",
    "::ffff:10.0.0.0/104, 11.1.2.3, false",
    "::ffff:10.1.2.3/128, 10.1.2.3, true",
    "::/0, ::ffff:10.1.2.3, false", // or all of IPv4 would slip in with IPv6
    "::/64, ::ffff:10.1.2.3, false",
    "10.0.0.0/8, ::10.1.2.3, false", // IPv4-compatible, an IPv6 address of its own
    "10.0.0.0/8, 64:ff9b::10.1.2.3, false",
    "10.0.0.0/8, 2002:0a01:0203::1, false",
  })
  void mappedIpv4IsIpv4(String network, String address, boolean expected) {
    assertThat(Network.parse(network).permits(Network.literal(address))).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource({
    "0.0.0.0/0, 0.0.0.0",
    "0.0.0.0/0, 0.1.2.3",
    "0.0.0.0/0, 255.255.255.255",
    "0.0.0.0/0, 224.0.0.1",
    "0.0.0.0/0, 239.255.255.250",
    "0.0.0.0/0, 240.0.0.1",
    "0.0.0.0/0, 127.0.0.1",
    "0.0.0.0/0, 169.254.169.254",
    "10.1.0.0/16, 10.1.255.255",
    "10.1.0.0/16, 10.1.0.0",
    "10.1.2.4/30, 10.1.2.7",
    "0.0.0.0/0, ::ffff:255.255.255.255",
    "::/0, ::",
    "::/0, ::1",
    "::/0, fe80::1",
    "::/0, ff02::1",
  })
  void sendsNothingToWhatIsNotOneDeviceNorToItselfUnasked(String network, String address) {
    assertThat(Network.parse(network).permits(Network.literal(address))).isFalse();
  }

  @ParameterizedTest
  @CsvSource({
    "127.0.0.0/8, 127.0.0.1",
    "::1/128, ::1",
    "169.254.0.0/16, 169.254.7.7",
    "fe80::/10, fe80::1",
  })
  void thisMachineAndItsLinkCanBeListed(String network, String address) {
    assertThat(Network.parse(network).permits(Network.literal(address))).isTrue();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "localhost",
        "push.example.org",
        "a.b",
        "abc",
        "dead.beef",
        "10.0.0",
        "10.0.0.256",
        "10.0.0.01",
        "10.0.0.1.1",
        "1000.0.0.1",
        "167772161",
        "0x7f.0.0.1",
        " 10.0.0.1",
        "10.0.0.1 ",
        "10.0.0.1%eth0",
        "10.0.0.1:80",
        "[::1]",
        ":",
        ":::",
        ".:1",
        "::g",
        "1::2::3",
        "fe80::1%eth0",
        "fe80::1%1",
        "::ffff:10.0.0.256",
        "1:2:3:4:5:6:7:8:9",
        "٣.0.0.1",
      })
  void nothingButALiteralIsAnAddress(String text) {
    assertThat(Network.literal(text)).isNull();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'' | is written like 10.0.0.0/8",
        "10.0.0.0 | is written like 10.0.0.0/8",
        "10.0.0.0/ | is written like 10.0.0.0/8",
        "/8 | is written like 10.0.0.0/8",
        "10.0.0.0/8/8 | is written like 10.0.0.0/8",
        "10.0.0.0/-1 | is written like 10.0.0.0/8",
        "10.0.0.0/+8 | is written like 10.0.0.0/8",
        "10.0.0.0/08 | is written like 10.0.0.0/8",
        "10.0.0.0/255.0.0.0 | is written like 10.0.0.0/8",
        "10.0.0/8 | is written like 10.0.0.0/8",
        "example.org/8 | is written like 10.0.0.0/8",
        "10.0.0.0/33 | 0 to 32 bits",
        "2001:db8::/129 | 0 to 128 bits",
        "::ffff:10.0.0.0/8 | 96 to 128 bits",
        "10.1.2.3/8 | did you mean 10.0.0.0/8?",
        "2001:db8::1/32 | did you mean 2001:db8:0:0:0:0:0:0/32?",
        "224.0.0.0/4 | no address of a single device",
        "255.255.255.255/32 | no address of a single device",
        "0.0.0.0/8 | no address of a single device",
        "ff00::/8 | no address of a single device",
        "ff02::1/128 | no address of a single device",
        "::/128 | no address of a single device",
      })
  void wrongNetworkIsRefusedInOneSentence(String text, String hint) {
    assertThatThrownBy(() -> Network.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(hint)
        .satisfies(e -> assertThat(e.getMessage()).hasLineCount(1));
  }

  /** Parsing keeps what Java reads: the literal is the same address. */
  @ParameterizedTest
  @ValueSource(strings = {"10.1.2.3", "0.0.0.0", "255.255.255.255", "::1", "2001:db8::a:b"})
  void literalIsWhatJavaReads(String text) throws Exception {
    assertThat(Network.literal(text)).isEqualTo(InetAddress.getByName(text));
  }
}
