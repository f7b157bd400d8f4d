package org.simplepush.appserver.internal.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import okhttp3.Dns;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.simplepush.appserver.internal.send.Outcome;

class EndpointGuardTest {
  private final EndpointGuard guard = new EndpointGuard(Set.of(), Set.of(8443), Dns.SYSTEM);

  @ParameterizedTest
  @ValueSource(
      strings = {
        "https://push.example/update/token",
        "https://push.example:443/",
        "https://push.example:8443/",
        "HTTPS://PUSH.EXAMPLE/",
        "https://1.1.1.1/",
        "https://223.255.249.250/",
        "https://[2606:4700::1111]/",
        "https://a_b.example/"
      })
  void passes(String endpoint) {
    assertThat(guard.check(URI.create(endpoint)).refusal()).isNull();
  }

  @ParameterizedTest
  @CsvSource({
    "URL, relative/path",
    "URL, //push.example/x",
    "URL, https:///x",
    "URL, https:opaque",
    "URL, mailto:somebody@push.example",
    "URL, https://user@push.example/",
    "URL, https://user:password@push.example/",
    "URL, https://:password@push.example/",
    "URL, https://push.example/#fragment",
    "URL, https://push.example:99999/",
    "URL, https://[fe80::1%25eth0]/",
    "SCHEME, http://push.example/",
    "SCHEME, ws://push.example/",
    "SCHEME, file://push.example/etc/passwd",
    "SCHEME, ftp://push.example/",
    "PORT, https://push.example:22/",
    "PORT, https://push.example:80/",
    "ADDRESS, https://127.0.0.1/",
    "ADDRESS, https://127.1/",
    "ADDRESS, https://2130706433/",
    "ADDRESS, https://1.1/",
    "ADDRESS, https://1.2.3.4.5/",
    "ADDRESS, https://256.1.1.1/",
    "ADDRESS, https://1.1.1.999/",
    "ADDRESS, https://1.1.1.1./",
    "ADDRESS, https://1./",
    "ADDRESS, https://0/",
    "ADDRESS, https://%31%32%37.0.0.1/",
    "ADDRESS, https://169.254.169.254/latest/meta-data/",
    "ADDRESS, https://[::1]/",
    "ADDRESS, https://[::]/",
    "ADDRESS, https://[::ffff:127.0.0.1]/",
    "ADDRESS, https://[::ffff:7f00:1]/",
    "ADDRESS, https://[64:ff9b::10.0.0.1]/",
    "ADDRESS, https://[fd00::1]/",
    "ADDRESS, https://255.255.255.255/"
  })
  void refuses(Outcome.Check check, String endpoint) {
    Outcome.Refused refusal = guard.check(URI.create(endpoint)).refusal();
    assertThat(refusal).isNotNull();
    assertThat(refusal.check()).isEqualTo(check);
    assertThat(refusal.toString()).doesNotContain("push.example", "127", "token");
  }

  @Test
  void refusesOverlongEndpoint() {
    String longest = "https://push.example/" + "x".repeat(4096 - 21);
    assertThat(guard.check(URI.create(longest)).refusal()).isNull();
    URI endpoint = URI.create(longest + "x");
    assertThat(guard.check(endpoint).refusal())
        .isNotNull()
        .extracting(Outcome.Refused::check)
        .isEqualTo(Outcome.Check.URL);
  }

  @Test
  void oneAddressThatIsNotPublicCondemnsTheHost() throws Exception {
    InetAddress open = InetAddress.getByName("1.1.1.1");
    InetAddress closed = InetAddress.getByName("10.0.0.1");
    EndpointGuard mixed = new EndpointGuard(Set.of(), Set.of(), host -> List.of(open, closed));
    assertThatThrownBy(() -> mixed.lookup("push.example"))
        .isInstanceOf(EndpointGuard.BarredException.class)
        .hasMessageNotContaining("push.example");
    EndpointGuard fine = new EndpointGuard(Set.of(), Set.of(), host -> List.of(open));
    assertThat(fine.lookup("push.example")).containsExactly(open);
  }

  @ParameterizedTest
  @ValueSource(strings = {"0x7f.0.0.1", "0x7f000001", "localhost", "localhost."})
  void namesThatMeanThisMachineDoNotPassTheResolver(String host) {
    Dns loopback = name -> List.of(InetAddress.getLoopbackAddress());
    EndpointGuard guard = new EndpointGuard(Set.of(), Set.of(), loopback);
    EndpointGuard.Checked checked = guard.check(URI.create("https://" + host + "/"));
    if (checked.refusal() == null) {
      assertThatThrownBy(() -> guard.lookup(host))
          .isInstanceOf(EndpointGuard.BarredException.class);
    }
  }

  @Test
  void permittedHostGoesUnchecked() throws Exception {
    InetAddress closed = InetAddress.getByName("10.0.0.1");
    EndpointGuard guard =
        new EndpointGuard(
            Set.of(
                EndpointGuard.canonicalHost("Push.Intranet"),
                EndpointGuard.canonicalHost("::1"),
                EndpointGuard.canonicalHost("127.0.0.1")),
            Set.of(),
            host -> List.of(closed));
    assertThat(guard.check(URI.create("http://push.intranet:8081/update/x")).refusal()).isNull();
    assertThat(guard.check(URI.create("http://[::1]:8081/update/x")).refusal()).isNull();
    assertThat(guard.check(URI.create("http://127.0.0.1:8081/update/x")).refusal()).isNull();
    assertThat(guard.lookup("push.intranet")).containsExactly(closed);
    assertThat(guard.check(URI.create("http://other.push.intranet/")).refusal()).isNotNull();
    assertThatThrownBy(() -> guard.lookup("other.intranet"))
        .isInstanceOf(EndpointGuard.BarredException.class);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "push:80", "https://push", "push/x", "a b", "user@push", "push?x", "push#x"})
  void permittedHostIsAHostOnly(String host) {
    assertThatThrownBy(() -> EndpointGuard.canonicalHost(host))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatCode(() -> EndpointGuard.canonicalHost("push.intranet")).doesNotThrowAnyException();
  }

  @Test
  void fewOfManyAddressesAreTried() throws Exception {
    List<InetAddress> many = new ArrayList<>();
    for (int n = 1; n < 200; n++) {
      many.add(InetAddress.getByName("1.1.1." + n));
    }
    EndpointGuard guard = new EndpointGuard(Set.of(), Set.of(), host -> many);
    assertThat(guard.lookup("push.example")).isEqualTo(many.subList(0, 8));
  }
}
