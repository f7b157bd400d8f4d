package org.simplepush.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.File;
import java.lang.reflect.InvocationTargetException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.simplepush.server.fixtures.Hygiene;
import org.simplepush.server.fixtures.OptionalJarsUser;

/** A user without the optional jars, or with old ones: the class path of the tests, less some. */
@Timeout(60)
@ExtendWith(Hygiene.class)
public class OptionalJarsTest {
  private static final String OPTIONAL =
      "jetty-.*|jakarta\\.servlet.*|micrometer-.*|sqlite-jdbc.*|lettuce-.*|netty-.*|reactor-.*";

  /** Loads the server once more, without some jars and classes. */
  private static final class Isolated extends URLClassLoader {
    private final Pattern missingClasses;

    private Isolated(List<URL> classPath, String missingClasses) {
      super(classPath.toArray(URL[]::new), ClassLoader.getPlatformClassLoader());
      this.missingClasses = Pattern.compile(missingClasses);
    }

    static Isolated without(String jars, String classes) throws Exception {
      List<URL> classPath = new ArrayList<>();
      List<String> left = new ArrayList<>();
      for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
        Path path = Path.of(entry);
        if (path.getFileName().toString().matches("(" + jars + ")\\.jar")) {
          left.add(entry);
        } else {
          classPath.add(path.toUri().toURL());
        }
      }
      if (!jars.isEmpty()) {
        assertThat(left).as("what is left out of the class path").isNotEmpty();
      }
      return new Isolated(classPath, classes);
    }

    @Override
    protected Class<?> findClass(String name) throws ClassNotFoundException {
      if (missingClasses.matcher(name).matches()) {
        throw new ClassNotFoundException(name);
      }
      return super.findClass(name);
    }

    /** Runs a method of {@link OptionalJarsUser} there. */
    Object run(String method, Object... arguments) throws Throwable {
      Class<?>[] types = new Class<?>[arguments.length];
      for (int i = 0; i < types.length; i++) {
        types[i] = arguments[i].getClass();
      }
      try {
        return loadClass(OptionalJarsUser.class.getName())
            .getMethod(method, types)
            .invoke(null, arguments);
      } catch (InvocationTargetException e) {
        throw e.getCause();
      }
    }
  }

  @Test
  void serverNeedsNoneOfThem() throws Throwable {
    try (Isolated isolated = Isolated.without(OPTIONAL, "")) {
      assertThat(isolated.run("serve")).isEqualTo(405);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "jetty-.*,                     false, jetty-server",
    "jetty-server-.*,              false, jetty-server",
    "jetty-io-.*,                  false, jetty-server",
    "jetty-http2-.*,               false, jetty-http2-server",
    "jetty-http2-.*,               true,  jetty-http2-server",
    "jetty-alpn-.*,                true,  jetty-alpn-java-server",
    "jetty-alpn-java-server-.*,    true,  jetty-alpn-java-server",
  })
  void missingJettyIsNamed(String jars, Boolean tls, String artifact) throws Throwable {
    try (Isolated isolated = Isolated.without(jars, "")) {
      assertThatThrownBy(() -> isolated.run("serveWithJetty", tls))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageStartingWith("JettyEndpointServer needs Jetty ")
          .hasMessageContaining(":" + artifact)
          .hasMessageContaining("jetty.version");
    }
  }

  /** As with Jetty 11. */
  @Test
  void olderJettyIsNamed() throws Throwable {
    String newer = "org\\.eclipse\\.jetty\\.server\\.Handler\\$Abstract";
    try (Isolated isolated = Isolated.without("", newer)) {
      assertThatThrownBy(() -> isolated.run("serveWithJetty", false))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("Jetty 12.0.36 or later")
          .hasMessageContaining("jetty.version")
          .hasMessageContaining("Handler$Abstract");
    }
  }

  @Test
  void missingSqliteIsNamed(@TempDir Path folder) throws Throwable {
    try (Isolated isolated = Isolated.without("sqlite-jdbc.*", "")) {
      assertThatThrownBy(() -> isolated.run("openSqlite", folder.resolve("x.db").toString()))
          .hasMessageContaining("needs sqlite-jdbc");
    }
  }
}
