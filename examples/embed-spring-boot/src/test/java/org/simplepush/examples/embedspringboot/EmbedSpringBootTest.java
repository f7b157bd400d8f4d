package org.simplepush.examples.embedspringboot;

import static org.assertj.core.api.Assertions.assertThat;

import org.eclipse.jetty.util.Jetty;
import org.junit.jupiter.api.Test;
import org.simplepush.server.PushServer;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.SpringBootVersion;
import org.springframework.context.ConfigurableApplicationContext;

/** The whole application, with the filters that Spring Boot brings. */
class EmbedSpringBootTest extends EndpointServletContract {
  private ConfigurableApplicationContext application;

  @Override
  void start() {
    application =
        SpringApplication.run(
            EmbedSpringBoot.class,
            "--server.address=127.0.0.1",
            "--server.port=0",
            "--push.port=0",
            "--push.endpoint-url=http://127.0.0.1/push",
            "--spring.mvc.hiddenmethod.filter.enabled=true");
  }

  @Override
  void stop() {
    application.close();
  }

  @Override
  PushServer push() {
    return application.getBean(PushServer.class);
  }

  @Override
  int httpPort() {
    return Integer.parseInt(application.getEnvironment().getRequiredProperty("local.server.port"));
  }

  @Override
  String prefix() {
    return "/push";
  }

  @Test
  void theseAreTheVersionsThatTheBuildNames() {
    assertThat(SpringBootVersion.getVersion())
        .isEqualTo(System.getProperty("expected.spring-boot"));
    assertThat(Jetty.VERSION).isEqualTo(System.getProperty("expected.jetty"));
  }

  /** Browsers cannot PUT a form, so a filter makes a PUT of this one, and has read it by then. */
  @Test
  void postThatAFilterTurnedIntoAPut() throws Exception {
    String form = "_method=PUT&version=7";
    assertRefused(
        RawHttp.exchange(httpPort(), "POST", endpoint.getRawPath(), FORM + length(form), form),
        400);
  }
}
