package org.simplepush.examples.standalone;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.simplepush.server.PushServer;
import picocli.CommandLine;

/** What a server shows in real handshakes while its files change. */
@Timeout(180)
class ReloadingTlsTest {
  private static final String RENEWED = "Serving the new certificate";
  private static final String NOT_RENEWED = "The certificate is not renewed, the old one stays";
  private static final String IN_USE_AGAIN = "is the one in use again";
  private static final long HOUR = Duration.ofHours(1).toNanos();

  private final PrintStream realErr = System.err;
  private final ByteArrayOutputStream log = new ByteArrayOutputStream();

  @TempDir private Path folder;
  private TestCertificates certificates;
  private Path certificate;
  private Path key;

  /** The clock of the looks. */
  private long now;

  @BeforeEach
  void setUp() {
    certificates = new TestCertificates(folder);
    certificate = folder.resolve("cert.pem");
    key = folder.resolve("key.pem");
    System.setErr(new PrintStream(log, true, StandardCharsets.UTF_8)); // where the log goes
  }

  @AfterEach
  void tearDown() {
    System.setErr(realErr);
  }

  private ReloadingTls load() throws IOException {
    return ReloadingTls.load(certificate, key);
  }

  private void look(ReloadingTls tls) {
    now += Duration.ofSeconds(2).toNanos();
    tls.look(now);
  }

  private List<String> logged(String part) {
    return log.toString(StandardCharsets.UTF_8)
        .lines()
        .filter(line -> line.contains(part))
        .toList();
  }

  private static PushServer serve(ReloadingTls tls) throws IOException {
    PushServer server = PushServer.builder().port(0).endpointPort(0).tls(tls.context()).build();
    server.start();
    return server;
  }

  /** Returns whose certificates a server shows now, its own first. */
  private static List<String> shown(PushServer server) throws Exception {
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, new TrustManager[] {new TrustEverybody()}, new SecureRandom());
    try (SSLSocket socket =
        (SSLSocket)
            context.getSocketFactory().createSocket("127.0.0.1", server.webSocketUri().getPort())) {
      socket.startHandshake();
      return Arrays.stream(socket.getSession().getPeerCertificates())
          .map(each -> ((X509Certificate) each).getSubjectX500Principal().getName())
          .toList();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "-keyalg RSA -keysize 2048",
    "-keyalg EC -groupname secp256r1",
    "-keyalg EC -groupname secp384r1",
    "-keyalg Ed25519",
  })
  void pairsOfEveryKindAreServed(String keyOptions) throws Exception {
    certificates.make("one", keyOptions.split(" ")).write(certificate, key);
    try (ReloadingTls tls = load();
        PushServer server = serve(tls)) {
      assertThat(shown(server)).containsExactly("CN=one");
    }
  }

  @Test
  void theWholeChainIsServed() throws Exception {
    certificates.makeWithIntermediate("own").write(certificate, key);
    try (ReloadingTls tls = load();
        PushServer server = serve(tls)) {
      assertThat(shown(server)).containsExactly("CN=own", "CN=intermediate", "CN=root");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "-keyalg RSA -keysize 2048, -keyalg RSA -keysize 2048",
    "-keyalg EC -groupname secp256r1, -keyalg EC -groupname secp256r1",
    "-keyalg EC -groupname secp256r1, -keyalg EC -groupname secp384r1",
    "-keyalg Ed25519, -keyalg Ed25519",
    "-keyalg RSA -keysize 2048, -keyalg EC -groupname secp256r1",
  })
  void keyOfAnotherCertificateIsOneSentenceAndExitCode2AtStart(String options, String others)
      throws Exception {
    Files.writeString(certificate, certificates.make("one", options.split(" ")).chain());
    Files.writeString(key, certificates.make("other", others.split(" ")).key());
    StringWriter errors = new StringWriter();
    CommandLine commandLine = StandaloneServer.commandLine(Map.of());
    commandLine.setErr(new PrintWriter(errors, true));
    assertThat(
            commandLine.execute("--tls-cert", certificate.toString(), "--tls-key", key.toString()))
        .isEqualTo(2);
    assertThat(errors.toString().strip())
        .startsWith(
            "--tls-key names " + key + ", which is not the key of the first certificate in ")
        .contains(certificate.toString())
        .hasLineCount(1);
  }

  @Test
  void aChainInTheWrongOrderIsRefused() throws Exception {
    TestCertificates.Pem own = certificates.makeEc("own");
    TestCertificates.Pem other = certificates.makeEc("other");
    Files.writeString(certificate, other.chain() + own.chain());
    Files.writeString(key, own.key());
    assertThatThrownBy(this::load).isInstanceOf(IOException.class).hasMessageContaining("first");
  }

  @ParameterizedTest
  @CsvSource({"-10d, 5, expired at", "+10d, 5, is not valid before"})
  void aCertificateOutOfItsTimeIsServedAndWarnedOf(String start, String days, String hint)
      throws Exception {
    certificates
        .make("one", "-keyalg", "Ed25519", "-startdate", start, "-validity", days)
        .write(certificate, key);
    try (ReloadingTls tls = load();
        PushServer server = serve(tls)) {
      assertThat(shown(server)).containsExactly("CN=one");
      assertThat(logged("WARN")).filteredOn(line -> line.contains(hint)).hasSize(1);
    }
  }

  @ParameterizedTest
  @CsvSource({"true", "false"})
  void aRenewalWhoseFilesComeOneAfterTheOtherIsServedOnceBothAreThere(boolean certificateFirst)
      throws Exception {
    certificates.makeEc("first").write(certificate, key);
    TestCertificates.Pem second = certificates.makeEc("second");
    try (ReloadingTls tls = load();
        PushServer server = serve(tls)) {
      Files.writeString(
          certificateFirst ? certificate : key, certificateFirst ? second.chain() : second.key());
      for (int i = 0; i < 100; i++) {
        look(tls);
      }
      assertThat(shown(server)).containsExactly("CN=first");
      assertThat(logged(NOT_RENEWED)).singleElement().asString().contains("is not the key of");

      now += HOUR;
      look(tls);
      look(tls);
      assertThat(logged(NOT_RENEWED)).as("once more after an hour").hasSize(2);

      second.write(certificate, key);
      look(tls);
      assertThat(shown(server)).containsExactly("CN=second");
      assertThat(logged(RENEWED)).hasSize(1);
      look(tls);
      assertThat(logged(RENEWED)).hasSize(1);
      assertThat(logged(NOT_RENEWED)).hasSize(2);
    }
  }

  @Test
  void theOldPairStaysWhateverHappensToTheFiles() throws Exception {
    TestCertificates.Pem first = certificates.makeEc("first");
    first.write(certificate, key);
    try (ReloadingTls tls = load();
        PushServer server = serve(tls)) {
      Files.writeString(certificate, first.chain().substring(0, first.chain().length() / 2));
      assertKept(tls, server, "which holds no certificate");

      Files.writeString(key, "");
      assertKept(tls, server, null);

      Files.delete(certificate);
      Files.delete(key);
      assertKept(tls, server, null);

      Files.createDirectory(certificate);
      assertKept(tls, server, null);
      Files.delete(certificate);

      Files.write(certificate, new byte[3 << 20]);
      assertKept(tls, server, null);
      assertThat(logged(NOT_RENEWED)).as("one line an hour").hasSize(1);

      first.write(certificate, key);
      look(tls);
      look(tls);
      assertThat(shown(server)).containsExactly("CN=first");
      assertThat(logged(IN_USE_AGAIN)).hasSize(1);

      Files.delete(key);
      assertKept(tls, server, "does not exist");
      assertThat(logged(NOT_RENEWED)).as("new trouble is said at once").hasSize(2);
    }
  }

  private void assertKept(ReloadingTls tls, PushServer server, String warning) throws Exception {
    look(tls);
    look(tls);
    assertThat(shown(server)).containsExactly("CN=first");
    if (warning != null) {
      assertThat(logged(NOT_RENEWED)).last().asString().contains(warning);
    }
  }

  /** Kubernetes mounts a secret as links through a link to a folder, which it swaps. */
  @Test
  void filesBehindALinkThatIsSwappedAreServed() throws Exception {
    Path data = folder.resolve("..data");
    certificates.makeEc("first").write(inFolder("one", "cert.pem"), inFolder("one", "key.pem"));
    certificates.makeEc("second").write(inFolder("two", "cert.pem"), inFolder("two", "key.pem"));
    Files.createSymbolicLink(data, Path.of("one"));
    Files.createSymbolicLink(certificate, Path.of("..data", "cert.pem"));
    Files.createSymbolicLink(key, Path.of("..data", "key.pem"));
    try (ReloadingTls tls = load();
        PushServer server = serve(tls)) {
      assertThat(shown(server)).containsExactly("CN=first");
      Path swapped = Files.createSymbolicLink(folder.resolve("..data_tmp"), Path.of("two"));
      Files.move(swapped, data, StandardCopyOption.ATOMIC_MOVE);
      look(tls);
      assertThat(shown(server)).containsExactly("CN=second");
      assertThat(logged(NOT_RENEWED)).isEmpty();
    }
  }

  private Path inFolder(String name, String file) throws IOException {
    return Files.createDirectories(folder.resolve(name)).resolve(file);
  }

  @Test
  void aNewKeyThatOthersCanReadIsWarnedOf() throws Exception {
    certificates.makeEc("first").write(certificate, key);
    Files.setPosixFilePermissions(key, PosixFilePermissions.fromString("rw-------"));
    try (ReloadingTls tls = load()) {
      assertThat(logged("can be read by every user")).isEmpty();
      certificates.makeEc("second").write(certificate, key);
      Files.setPosixFilePermissions(key, PosixFilePermissions.fromString("rw-r--r--"));
      look(tls);
      assertThat(logged("can be read by every user")).hasSize(1);
    }
  }
}
